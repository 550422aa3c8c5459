package feed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

var (
	at5  = feed.Mark{Revision: 5, Version: 50}
	at6  = feed.Mark{Revision: 6, Version: 60}
	at6b = feed.Mark{Revision: 6, Version: 61}
	at7  = feed.Mark{Revision: 7, Version: 70}
	at8  = feed.Mark{Revision: 8, Version: 80}
)

func none(feed.Change) {}

// A first is the first frame of a feed.
type first struct {
	epoch  string
	at     feed.Mark
	told   bool // Back
	synced bool
}

func (f first) frame() feed.Frame {
	x := frame(f.at)
	x.Epoch, x.Back, x.Synced = f.epoch, f.told, f.synced
	return x
}

// begin applies the first frame of a feed.
func begin(t *testing.T, r *feed.Reader, f first) {
	t.Helper()
	r.Begin()
	require.NoError(t, r.Apply(f.frame(), none))
}

func position(m feed.Mark) feed.Position {
	return feed.Position{Epoch: "e", Revision: m.Revision, Version: m.Version}
}

// What a reader knows when another feed begins: the former one ended at revision 6.
func TestWhatBecameOfTheTableBetweenTwoFeeds(t *testing.T) {
	for _, c := range []struct {
		name string
		next first
		back bool
	}{
		{"it did not change", first{"e", at6, false, false}, false},
		{"it lost a change", first{"e", at5, false, false}, true},
		{"it lost a change and got another", first{"e", at6b, false, false}, true},
		{"it is empty", first{"e", feed.Mark{}, false, false}, true},
		{"it went on", first{"e", at7, false, false}, false},
		{"it went on after a loss", first{"e", at7, true, false}, true},
		{"it is another table", first{"f", at7, false, false}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r feed.Reader
			r.Begin()
			require.Zero(t, r.Position())
			begin(t, &r, first{"e", at5, false, true})
			require.False(t, r.WentBack())
			require.NoError(t, r.Apply(frame(at5, follow(at5, "a", at6)), none))
			begin(t, &r, c.next)
			require.Equal(t, c.back, r.WentBack())

			// The feed ends before its snapshot, so what is known of the table is in part of this feed,
			// and in part of the one before.
			begin(t, &r, c.next)
			require.Equal(t, c.back, r.WentBack())
			begin(t, &r, first{c.next.epoch, at8, false, true})
			require.Equal(t, c.back, r.WentBack())

			begin(t, &r, first{c.next.epoch, at8, false, true})
			require.False(t, r.WentBack(), "the feed before was synced")
		})
	}
}

// There was no feed before, so nothing can be lost.
func TestTheFirstFeedLosesNothing(t *testing.T) {
	var r feed.Reader
	begin(t, &r, first{"e", at5, true, true})
	require.False(t, r.WentBack())
}

func TestWhatAFeedItselfShows(t *testing.T) {
	told := frame(at6)
	told.Back = true
	for _, c := range []struct {
		name string
		bad  feed.Frame
		back bool
	}{
		{"a revision is used again", frame(at6, follow(feed.Mark{}, "a", feed.Mark{Revision: 6, Version: 99})), true},
		{"an unknown revision before the latest one", frame(feed.Mark{Revision: 5, Version: 99}), true},
		{"another epoch", feed.Frame{Epoch: "f", Revision: 6, Version: 60}, true},
		{"a loss, too late", told, true},
		{"a change is repeated", frame(at6, follow(at5, "a", at6)), false},
		{"changes are missing", frame(at6, follow(at7, "a", at8)), false},
		{"an old change", frame(at6, follow(at5, "a", feed.Mark{Revision: 2, Version: 20})), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r feed.Reader
			begin(t, &r, first{"e", at5, false, true})
			require.NoError(t, r.Apply(frame(at5, follow(at5, "a", at6)), none))
			require.ErrorIs(t, r.Apply(c.bad, none), feed.ErrBroken)
			r.Begin()
			require.Equal(t, position(at6), r.Position())
			next := first{"e", feed.Mark{Revision: 9, Version: 90}, false, true}
			require.NoError(t, r.Apply(next.frame(), none))
			require.Equal(t, c.back, r.WentBack())
			begin(t, &r, next)
			require.False(t, r.WentBack(), "the feed before was synced")
		})
	}
}

// The position is the latest that was shown, also by a feed that ends before its snapshot.
func TestPosition(t *testing.T) {
	page := func(begins, read feed.Mark) feed.Frame {
		f := frame(begins)
		f.PageRevision, f.PageVersion = read.Revision, read.Version
		return f
	}
	for _, c := range []struct {
		name   string
		frames []feed.Frame
		want   feed.Mark
		unsure bool // the frames do not make up one history
	}{
		{"a feed that has not begun", nil, at5, false},
		{"the beginning", []feed.Frame{frame(at6)}, at6, false},
		{"a page of the beginning", []feed.Frame{page(at6, at6)}, at6, false},
		{"a later page", []feed.Frame{page(at6, at6), page(at6, at7)}, at7, false},
		{"two later pages", []feed.Frame{page(at6, at7), page(at6, at8)}, at8, false},
		{"two later pages, the first one twice", []feed.Frame{page(at6, at7), page(at6, at8), page(at6, at7)}, at8, false},
		{"two later pages, the second one twice", []feed.Frame{page(at6, at8), page(at6, at7), page(at6, at8)}, at8, false},
		{"changes up to a page", []feed.Frame{page(at6, at7), frame(at6, follow(at6, "a", at7))}, at7, false},
		{"changes beyond a page", []feed.Frame{page(at6, at7), frame(at6, follow(at6, "a", at7), follow(at7, "b", at8))}, at8, false},
		{"a page that the changes do not reach", []feed.Frame{page(at6, at8), frame(at6, follow(at6, "a", at7))}, at8, true},
		{"a page that the changes contradict", []feed.Frame{page(at5, at6b), frame(at5, follow(at5, "a", at6))}, at6, true},
		{"a page that another one contradicts", []feed.Frame{page(at5, at6), page(at5, at6b)}, at6, true},
		{"a page of before the beginning", []feed.Frame{page(at6, at5)}, at6, true},
		{"a broken feed after a page", []feed.Frame{page(at6, at7), frame(at8)}, at7, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r feed.Reader
			begin(t, &r, first{"e", at5, false, true})
			r.Begin()
			for _, f := range c.frames {
				_ = r.Apply(f, none)
			}
			r.Begin()
			require.Equal(t, position(c.want), r.Position())
			require.NoError(t, r.Apply(first{"e", feed.Mark{Revision: 9, Version: 90}, false, true}.frame(), none))
			require.Equal(t, c.unsure, r.WentBack())
		})
	}
}
