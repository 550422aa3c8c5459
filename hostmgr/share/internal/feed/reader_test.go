package feed_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

// After the snapshot, and after each later frame, the mirror is the table as it was at the latest
// mark. That holds for any mix of pages and changes, and for the second feed of a reader.
func TestTheMirrorIsTheTable(t *testing.T) {
	seeds(t, 2_000, 2_000_000, func(t *testing.T, rnd *rand.Rand) {
		h, m := newHistory(rnd), newMirror()
		for range 2 {
			for range rnd.IntN(12) {
				h.write()
			}
			m.begin()
			for i, f := range h.frames(rnd.IntN(len(h.batches) + 1)) {
				require.NoError(t, m.apply(f), "frame %d", i)
				if m.Synced() {
					require.Equal(t, h.states[h.at(m.Latest())], m.records)
				}
			}
			require.True(t, m.Synced())
			require.Equal(t, h.marks[len(h.marks)-1], m.Latest())
			require.Empty(t, m.fallen)
		}
	})
}

// A reader of damaged frames either finds the fault, or has the table.
func TestADamagedFeedIsNoticed(t *testing.T) {
	found := map[string]int{}
	seeds(t, 4_000, 2_000_000, func(t *testing.T, rnd *rand.Rand) {
		h, m := newHistory(rnd), newMirror()
		for range 3 + rnd.IntN(12) {
			h.write()
		}
		frames := h.frames(rnd.IntN(len(h.batches) / 2))
		d := damages[rnd.IntN(len(damages))]
		frames = d.do(h, frames)
		m.begin()
		for _, f := range frames {
			if err := m.apply(f); err != nil {
				require.ErrorIs(t, err, feed.ErrBroken)
				require.Equal(t, err, m.apply(f), "the error stays")
				found[d.name]++
				return
			}
			// A feed that ends within a batch has lost the last changes, which no reader can notice.
			if i := h.at(m.Latest()); m.Synced() && i >= 0 {
				require.Equal(t, h.states[i], m.records, d.name)
			}
		}
	})
	if *oneSeed == 0 {
		for _, d := range damages {
			require.NotZero(t, found[d.name], d.name)
		}
	}
}

type damage struct {
	name string
	do   func(h *history, frames []feed.Frame) []feed.Frame
}

// one returns a frame with changes and the index of one of them, or false if there is none.
func one(h *history, frames []feed.Frame) (f *feed.Frame, i int, ok bool) {
	for _, k := range h.rnd.Perm(len(frames)) {
		if n := len(frames[k].Changes); n > 0 {
			frames[k].Changes = slices.Clone(frames[k].Changes)
			return &frames[k], h.rnd.IntN(n), true
		}
	}
	return nil, 0, false
}

var damages = []damage{
	{"has a change without a key", func(h *history, frames []feed.Frame) []feed.Frame {
		if f, i, ok := one(h, frames); ok {
			f.Changes[i].Key = ""
		}
		return frames
	}},
	{"skips a change", func(h *history, frames []feed.Frame) []feed.Frame {
		if f, i, ok := one(h, frames); ok {
			f.Changes = slices.Delete(f.Changes, i, i+1)
		}
		return frames
	}},
	{"repeats a change", func(h *history, frames []feed.Frame) []feed.Frame {
		if f, i, ok := one(h, frames); ok {
			f.Changes = slices.Insert(f.Changes, i, f.Changes[i])
		}
		return frames
	}},
	{"repeats a frame", func(h *history, frames []feed.Frame) []feed.Frame {
		i := h.rnd.IntN(len(frames))
		return slices.Insert(frames, i, frames[i])
	}},
	{"skips a frame", func(h *history, frames []feed.Frame) []feed.Frame {
		i := h.rnd.IntN(len(frames))
		if i == 0 || len(frames[i].Snapshot) > 0 { // no reader can notice that it misses those
			return frames
		}
		return slices.Delete(frames, i, i+1)
	}},
	{"swaps two changes", func(h *history, frames []feed.Frame) []feed.Frame {
		if f, i, ok := one(h, frames); ok && i > 0 {
			f.Changes[i], f.Changes[i-1] = f.Changes[i-1], f.Changes[i]
		}
		return frames
	}},
	{"another version", func(h *history, frames []feed.Frame) []feed.Frame {
		if f, i, ok := one(h, frames); ok && i < len(f.Changes)-1 {
			f.Changes[i].Version++
		}
		return frames
	}},
	{"ends the snapshot early", func(h *history, frames []feed.Frame) []feed.Frame {
		for i := range frames {
			if frames[i].PageRevision > frames[i].Revision {
				frames[i].Synced, frames[i].Changes = true, nil
				return frames[:i+1]
			}
		}
		return frames
	}},
	{"has the pages of another history", func(h *history, frames []feed.Frame) []feed.Frame {
		begin := h.at(feed.Mark{Revision: frames[0].Revision, Version: frames[0].Version})
		other := h.fork(len(h.batches)-begin, len(h.batches)-begin)
		for i := range frames {
			if frames[i].Snapshot != nil {
				other.read(&frames[i], len(other.states)-1, 0, 1)
			}
		}
		return frames
	}},
	{"goes on with another history", func(h *history, frames []feed.Frame) []feed.Frame {
		i := h.rnd.IntN(len(frames))
		begin := h.at(feed.Mark{Revision: frames[i].Revision, Version: frames[i].Version})
		other := h.fork(len(h.batches)-begin, 3)
		*h = *other
		return append(frames[:i], feed.Frame{
			Epoch: "e", Revision: frames[i].Revision, Version: frames[i].Version, Changes: slices.Concat(other.batches[begin+1:]...),
		})
	}},
	{"has another epoch", func(h *history, frames []feed.Frame) []feed.Frame {
		frames[h.rnd.IntN(len(frames))].Epoch = "f"
		return frames
	}},
	{"has a snapshot after its end", func(h *history, frames []feed.Frame) []feed.Frame {
		last := frames[len(frames)-1]
		if n := len(last.Changes); n > 0 {
			last.Revision, last.Version = last.Changes[n-1].Revision, last.Changes[n-1].Version
		}
		last.Changes, last.Snapshot = nil, []feed.Record{{Key: "k0", Revision: 1, Version: 1}}
		return append(frames, last)
	}},
}

func record(key string, m feed.Mark) feed.Record {
	return feed.Record{Key: key, Revision: m.Revision, Version: m.Version}
}

func frame(at feed.Mark, changes ...feed.Change) feed.Frame {
	return feed.Frame{Epoch: "e", Revision: at.Revision, Version: at.Version, Changes: changes}
}

// follow returns the change of a key that follows a mark.
func follow(at feed.Mark, key string, next feed.Mark) feed.Change {
	return feed.Change{Key: key, Revision: next.Revision, Version: next.Version, Previous: at.Version}
}

func TestDeletionsAreRememberedUntilTheSnapshotEnds(t *testing.T) {
	m, at, next := newMirror(), feed.Mark{Revision: 5, Version: 50}, feed.Mark{Revision: 6, Version: 60}
	m.begin()
	deletion := follow(at, "a", next)
	deletion.Deleted = true
	require.NoError(t, m.apply(frame(at, deletion)))
	late := frame(next) // a page of a replica that is behind
	late.Snapshot, late.Synced = []feed.Record{record("a", feed.Mark{Revision: 3, Version: 30})}, true
	late.PageRevision, late.PageVersion = at.Revision, at.Version
	require.NoError(t, m.apply(late))
	require.Empty(t, m.records)
	require.False(t, m.Has("a"))
}

// What no honest Store says. The reader has the change at revision 6.
func TestFramesThatAreWrong(t *testing.T) {
	at5, at6 := feed.Mark{Revision: 5, Version: 50}, feed.Mark{Revision: 6, Version: 60}
	page := func(r feed.Record, read feed.Mark) feed.Frame {
		f := frame(at6)
		f.Snapshot, f.PageRevision, f.PageVersion = []feed.Record{r}, read.Revision, read.Version
		return f
	}
	for name, f := range map[string]feed.Frame{
		"a revision falls":                       frame(at6, follow(at6, "a", feed.Mark{Revision: 5, Version: 70})),
		"two batches have one revision":          frame(at6, follow(at6, "a", feed.Mark{Revision: 6, Version: 70})),
		"a change has no version":                frame(at6, follow(at6, "a", feed.Mark{Revision: 7})),
		"a change has no key":                    frame(at6, follow(at6, "", feed.Mark{Revision: 7, Version: 70})),
		"a frame has a revision, but no version": frame(feed.Mark{Revision: 6}),
		"a frame has no epoch":                   {Revision: 6, Version: 60},
		"a record is newer than its page":        page(record("a", at6), at5),
		"a record has no version":                page(record("a", feed.Mark{Revision: 5}), at6),
		"a record has no revision":               page(record("a", feed.Mark{Version: 5}), at6),
		"a record has no key":                    page(record("", at5), at6),
		"a page does not say when it was read":   page(record("a", at5), feed.Mark{}),
	} {
		t.Run(name, func(t *testing.T) {
			m := newMirror()
			m.begin()
			require.NoError(t, m.apply(frame(at5, follow(at5, "z", at6))))
			require.ErrorIs(t, m.apply(f), feed.ErrBroken)
		})
	}
}

// While a snapshot is read, all marks are kept: a page was read at any of them.
func TestALongSnapshot(t *testing.T) {
	m := newMirror()
	m.begin()
	first := feed.Mark{Revision: 1, Version: 1}
	f := frame(first)
	f.PageRevision, f.PageVersion = 1, 1
	require.NoError(t, m.apply(f))
	at := first
	for range 200_000 {
		next := feed.Mark{Revision: at.Revision + 1, Version: at.Version + 1}
		require.NoError(t, m.apply(frame(at, follow(at, "a", next))))
		at = next
	}
	f = frame(at)
	f.Synced = true
	require.NoError(t, m.apply(f))
	require.True(t, m.Synced())
}

func TestMarks(t *testing.T) {
	var r feed.Reader
	r.Begin()
	marks := []feed.Mark{{Revision: 5, Version: 50}, {Revision: 6, Version: 60}, {Revision: 6, Version: 61}, {Revision: 9, Version: 90}}
	f := frame(marks[0])
	for i, next := range marks[1:] {
		f.Changes = append(f.Changes, follow(marks[i], fmt.Sprint(i), next))
	}
	require.NoError(t, r.Apply(f, func(feed.Change) {}))
	require.Equal(t, marks[3], r.Latest())
	require.Equal(t, "e", r.Epoch())
	for _, m := range marks {
		require.True(t, r.Knows(m))
		require.False(t, r.Knows(feed.Mark{Revision: m.Revision, Version: m.Version + 5}))
	}
	require.False(t, r.Knows(feed.Mark{Revision: 7, Version: 61}))
	require.False(t, r.Knows(feed.Mark{}))
	for revision, want := range map[uint64]feed.Mark{6: marks[0], 7: marks[2], 9: marks[2], 10: marks[3]} {
		before, ok := r.Before(revision)
		require.True(t, ok)
		require.Equal(t, want, before, "before %d", revision)
	}
	_, ok := r.Before(5)
	require.False(t, ok)
}

func TestOldMarksAreForgotten(t *testing.T) {
	const changes = 200_000
	var r feed.Reader
	at := feed.Mark{Revision: 1, Version: 1}
	begin(t, &r, first{"e", at, false, true})
	for range changes {
		next := feed.Mark{Revision: at.Revision + 1, Version: at.Version + 1}
		require.NoError(t, r.Apply(frame(at, follow(at, "a", next)), func(feed.Change) {}))
		at = next
	}
	for back := range uint64(changes) {
		m := feed.Mark{Revision: at.Revision - back, Version: at.Version - back}
		if back < 32_768 {
			require.True(t, r.Knows(m))
		} else if back > 65_536 {
			require.False(t, r.Knows(m))
		}
	}
}
