package member_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// announce registers a process of a host, and writes that.
func (n *node) announce(id string, incarnation uint64) {
	n.reg.announce(id, incarnation, "x")
	n.pump()
}

// ends lets a host leave, although the node may be out of touch.
func (n *node) ends(id string) {
	n.reg.leave(id)
	n.w.left(id)
	n.pump()
}

// returns connects a node again. It reads a snapshot.
func (n *node) returns() { n.cut, n.mute, n.stuck, n.cursor = false, false, false, nil }

// A member writes a registration, or its end, and no answer comes back. The other members remove it,
// end the registration, and clean up. When the member comes back, the table has no trace of it.
func TestACleanupIsNotRepeatedByAMemberThatGotNoAnswer(t *testing.T) {
	for name, x := range map[string]struct {
		away   func(a *node) // A is out of touch
		others func(b *node) // and has been removed
		key    string        // of the departure
		ends   int           // times that it is written
	}{
		"replaced by a newer process": {
			away:   func(a *node) { a.announce("h", 1) },
			others: func(b *node) { b.announce("h", 2) },
			key:    "gone/h/1", ends: 2,
		},
		"left": {
			away:   func(a *node) { a.announce("h", 1) },
			others: func(b *node) { b.ends("h") },
			key:    "gone/h/1", ends: 2,
		},
		"left, and joined again": {
			away:   func(a *node) { a.announce("h", 1) },
			others: func(b *node) { b.ends("h"); b.w.run(10 * sec); b.announce("h", 1) },
			key:    "gone/h/1", ends: 1,
		},
		"left here, evicted there": {
			away:   func(a *node) { a.announce("h", 1); a.w.run(100 * ms); a.ends("h") },
			others: func(b *node) { b.w.run(60 * sec) },
			key:    "gone/h/1", ends: 2,
		},
		"replaced here, and again there": {
			away:   func(a *node) { a.announce("known", 2) },
			others: func(b *node) { b.announce("known", 3) },
			key:    "gone/known/2", ends: 2,
		},
		"answered, and not shown": {
			away:   func(a *node) { a.mute, a.stuck = false, true; a.announce("h", 1); a.w.run(100 * ms); a.mute = true },
			others: func(b *node) { b.announce("h", 2) },
			key:    "gone/h/1", ends: 2,
		},
		"only the departure": {
			away:   func(a *node) { a.reg.announce("h", 1, "x"); a.ends("h") },
			others: func(*node) {},
			key:    "gone/h/2", ends: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := settled(t, 3)
			a, b := w.nodes[0], w.nodes[1]
			known := name == "replaced here, and again there" || name == "only the departure"
			if known {
				a.announce("known", 1)
				w.run(sec)
			}
			a.mute = true
			x.away(a)
			w.run(20 * sec)
			require.Len(t, b.core.Stats().Peers, 2)
			x.others(b)
			w.run(10 * sec)
			require.Equal(t, 1, w.cleans[x.key])
			require.Zero(t, w.count(record.KindGone))
			a.returns()
			w.run(60 * sec)
			require.Equal(t, 1, w.cleans[x.key])
			require.Equal(t, x.ends, w.ends[x.key])
			require.Zero(t, w.count(record.KindGone))
			require.Empty(t, w.wrong)
			for k, n := range w.local {
				require.Equal(t, 1, n, k)
			}
		})
	}
}

// Nothing was written. So the departure is written for the first time, and cleaned up.
func TestADepartureThatTheTableHasNeverHadIsCleanedUp(t *testing.T) {
	w := settled(t, 3)
	a, b := w.nodes[0], w.nodes[1]
	a.cut = true
	a.announce("h", 1)
	w.run(20 * sec)
	b.announce("h", 2)
	w.run(sec)
	a.returns()
	w.run(10 * sec)
	require.Equal(t, 1, w.ends["gone/h/1"])
	require.Equal(t, 1, w.cleans["gone/h/1"])
	require.Zero(t, w.count(record.KindGone))
	w.everywhere("h")
}

// restartedElsewhere returns two members. A has written a host, got no answer, and is still out of
// touch. B has cleaned up after the host, which has restarted there.
func restartedElsewhere(t *testing.T) (w *world, a, b *node) {
	w = settled(t, 2)
	a, b = w.nodes[0], w.nodes[1]
	a.mute = true
	a.announce("h", 1)
	w.run(20 * sec)
	b.announce("h", 2)
	w.run(20 * sec)
	return w, a, b
}

// No other member knows whether the cleanup is done: it is done again, once.
func TestACleanupThatNoMemberKnowsOfIsRepeated(t *testing.T) {
	w, a, b := restartedElsewhere(t)
	b.crash()
	b.restart()
	w.run(20 * sec)
	a.returns()
	w.run(20 * sec)
	require.Equal(t, 2, w.cleans["gone/h/1"])
	require.Zero(t, w.count(record.KindGone))
}

// A member that knows that a cleanup is done cannot write for a while. Its read mark stays before
// the departure, so its cleaner waits.
func TestACleanupThatMayBeDoneWaitsForTheMemberThatKnows(t *testing.T) {
	w, a, b := restartedElsewhere(t)
	w.delays = func(n *node, batch []member.Write) (int64, bool) {
		return 0, n == b && record.ParseKey(batch[0].Key).Kind == record.KindGone
	}
	a.returns()
	w.run(20 * sec)
	_, _, g := w.gone("h")
	require.False(t, g.Done)
	require.Equal(t, 1, w.cleans["gone/h/1"])
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	w.run(20 * sec)
	require.Equal(t, 1, w.cleans["gone/h/1"])
	require.Zero(t, w.count(record.KindGone))
}

// A member was away while a host restarted. Later an old write brings the first registration back.
// The member knows that its cleanup is done, although no other member is there to say so.
func TestAnOvertakenRegistrationIsKnownToBeCleanedUp(t *testing.T) {
	w := settled(t, 2)
	a, b := w.nodes[0], w.nodes[1]
	a.announce("h", 1)
	w.run(sec)
	old := w.host("h")
	a.cut = true
	w.run(20 * sec)
	b.announce("h", 2)
	w.run(20 * sec)
	a.returns()
	w.run(20 * sec)
	b.ends("h")
	w.run(20 * sec)
	b.crash()
	w.nodes = w.nodes[:1]
	w.run(20 * sec)
	require.NoError(t, w.table.Put([]table.Write{{Key: record.HostKey("h"), Version: 9, Value: old.Encode()}}))
	w.run(20 * sec)
	require.Nil(t, w.host("h"))
	require.Zero(t, w.count(record.KindGone))
	require.Equal(t, 1, w.cleans["gone/h/1"])
}
