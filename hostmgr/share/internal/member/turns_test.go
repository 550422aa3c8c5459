package member_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// onClaim calls f once, at the moment when a claim is written.
func (w *world) onClaim(f func(n *node)) {
	w.onHost = func(n *node, _ string, h *record.Host) {
		if h.Claimed {
			w.onHost = func(*node, string, *record.Host) {}
			f(n)
		}
	}
}

func TestALateHeartbeatSavesAClaimedHost(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	claimed := false
	w.onClaim(func(n *node) { claimed = n.heartbeat("h") })
	w.run(timeout + 10*sec)
	require.True(t, claimed)
	w.everywhere("h")
	require.Zero(t, w.evicted)
	require.False(t, w.host("h").Claimed || w.host("h").Asked)
	w.run(timeout)
	w.nowhere("h")
}

func TestALeaveBeatsAClaim(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	left := false
	w.onClaim(func(n *node) { n.frozen, left = w.now+sec, w.nodes[1].leave("h") })
	w.run(timeout + 10*sec)
	require.True(t, left)
	w.nowhere("h")
	require.Zero(t, w.evicted)
}

// A member that cannot write its answer holds the eviction up by its read mark.
func TestAReadMarkWaitsForTheAnswer(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(5 * sec)
	w.keep("h", func() *node { return w.nodes[1] })
	w.delays = func(n *node, b []member.Write) (int64, bool) {
		return 0, n == w.nodes[1] && strings.HasPrefix(b[0].Key, "h/")
	}
	w.run(100 * sec)
	w.everywhere("h")
	require.Zero(t, w.evicted)
	require.True(t, w.host("h").Asked)
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	w.run(5 * sec)
	require.Equal(t, w.nodes[1].core.Stats().ID, w.host("h").Keeper)
}

func TestOneConflictHoldsUpNoOtherHost(t *testing.T) {
	w := settled(t, 2)
	for i := range 300 {
		w.nodes[0].reg.announce(fmt.Sprint("h", i), 0, "x")
	}
	w.nodes[1].heartbeat("h7")
	w.run(ms)
	puts := w.puts
	w.nodes[0].pump()
	w.run(100 * ms)
	require.Equal(t, 300, w.count(record.KindHost))
	require.Less(t, w.puts-puts, 30)
	require.Empty(t, w.ends)
	require.Equal(t, w.nodes[0].reg.hosts["h7"].registration, w.nodes[1].reg.hosts["h7"].registration)
}

// The batch is refused, and so is the part of it that has the conflict. Then all other hosts are
// written.
func TestAConflictCostsTwoMoreRoundTrips(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[0]
	n.stuck = true
	w.nodes[1].heartbeat("h7")
	w.run(20 * ms)
	for i := range 64 {
		n.reg.announce(fmt.Sprint("h", i), 0, "x")
	}
	for n.take(); n.core.Work(); n.take() {
	}
	trips := 0
	for w.count(record.KindHost) < 64 {
		var batches []*member.Batch
		for b := n.core.Next(); b != nil; b = n.core.Next() {
			batches = append(batches, b)
		}
		require.NotEmpty(t, batches)
		for _, b := range batches {
			n.core.Done(b, w.put(n, b.Writes), w.now)
		}
		trips++
	}
	require.Equal(t, 3, trips)
}

func TestADepartureThatTheTableHasLostIsRepeated(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	w.nodes[1].leave("h")
	w.run(100 * ms)
	require.Nil(t, w.host("h"))
	for w.host("h") == nil {
		w.table.Lose(1)
	}
	w.run(20 * sec)
	require.Nil(t, w.host("h"))
	require.Zero(t, w.count(record.KindGone))
	for k, n := range w.local {
		require.Equal(t, 1, n, k)
	}
	require.Zero(t, w.evicted)
}

func TestACreationThatTheTableHasLostIsRepeated(t *testing.T) {
	w := settled(t, 3)
	stop := w.keep("h", func() *node { return w.nodes[0] })
	w.run(100 * ms)
	before := w.host("h").Registration
	for w.host("h") != nil {
		w.table.Lose(1)
	}
	w.run(20 * sec)
	require.Equal(t, before, w.host("h").Registration)
	w.everywhere("h")
	stop()
	w.run(2 * timeout)
	w.nowhere("h")
}

// A creation arrives after the Store gave it up, and after the host has left. If it comes after the
// departure is done, the departure is repeated.
func TestACreationThatIsLate(t *testing.T) {
	for _, late := range []int64{sec, 3 * sec, 10 * sec} {
		w := settled(t, 2)
		done := false
		w.delays = func(_ *node, b []member.Write) (int64, bool) {
			if strings.HasPrefix(b[0].Key, "h/") && !done {
				done = true
				return late, false
			}
			return 0, false
		}
		w.nodes[0].heartbeat("h")
		w.run(500 * ms)
		require.True(t, w.nodes[0].leave("h"))
		w.run(30 * sec)
		if late < 2*sec {
			w.nowhere("h")
		}
		require.Nil(t, w.host("h"))
		for k, n := range w.local {
			require.Equal(t, 1, n, k)
		}
	}
}

// The first heir cannot read the record: a later one takes it.
func TestAHeirThatCannotReadARecordHoldsUpNoOther(t *testing.T) {
	for unable := range 3 {
		w := settled(t, 4)
		w.nodes[1+unable].reg.refuse["h"] = true
		w.nodes[0].heartbeat("h")
		w.run(sec)
		w.nodes[0].crash()
		w.nodes = w.nodes[1:]
		w.run(timeout + 4*lapse)
		w.nowhere("h")
		require.Equal(t, 1, w.evicted)
	}
}

// No member that lives can have the host: its record does not stay for ever.
func TestAStrayIsEndedAfterALongTime(t *testing.T) {
	w := settled(t, 3)
	for _, n := range w.nodes[1:] {
		n.reg.refuse["h"] = true
	}
	w.nodes[0].heartbeat("h")
	w.run(sec)
	w.nodes[0].crash()
	w.nodes = w.nodes[1:]
	w.run(600 * sec)
	require.NotNil(t, w.host("h"))
	w.run(60 * sec)
	w.nowhere("h")
	for _, n := range w.nodes {
		require.Zero(t, n.core.Stats().Unmirrored)
	}
}

func TestAFeedThatIsStuckIsReadFromTheStart(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[1]
	n.stuck = true
	w.run(8 * sec)
	require.False(t, n.stuck)
	require.True(t, n.ready())
	require.NotZero(t, n.core.Stats().Syncs)
}

func TestAMemberWhoseRecordIsDeletedIsAnother(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[0]
	w.keep("h", func() *node { return n })
	w.run(sec)
	was := n.core.Stats().ID
	for _, r := range w.records() {
		if r.Key == record.MemberKey(was) {
			require.NoError(t, w.table.Put([]table.Write{{Key: r.Key, Expect: r.Version, Version: 99, Delete: true}}))
		}
	}
	w.run(3 * sec)
	require.True(t, n.ready())
	require.NotEqual(t, was, n.core.Stats().ID)
	require.Equal(t, n.core.Stats().ID, w.host("h").Keeper)
	w.run(60 * sec)
	w.everywhere("h")
	require.Zero(t, w.evicted)
}

func TestEachMemberIsBuriedAfterItsOwnLapse(t *testing.T) {
	w := settled(t, 1)
	n := &node{w: w, name: "slow", reg: newRegistry(w, "slow"), lapse: 20 * sec}
	w.nodes = append(w.nodes, n)
	n.start()
	w.run(10 * sec)
	n.frozen = w.now + 15*sec
	w.run(14 * sec)
	require.Len(t, w.nodes[0].core.Stats().Peers, 2)
	w.run(5 * sec)
	n.frozen = w.now + 25*sec
	w.run(24 * sec)
	require.Len(t, w.nodes[0].core.Stats().Peers, 1)
}

// In rest each member writes one record a second, whatever the number of hosts.
func TestAtRestOnlyRenewalsAreWritten(t *testing.T) {
	w := settled(t, 3)
	for i := range 50 {
		w.keep(fmt.Sprint("h", i), func() *node { return w.nodes[i%3] })
	}
	w.run(5 * sec)
	writes, renewals := w.writes, w.renewals
	w.run(100 * sec)
	require.Equal(t, writes, w.writes)
	require.InDelta(t, 300, w.renewals-renewals, 35)
}

// A process that was cloned with its memory has the same id, and writes the same record.
func TestClonesBecomeTwoMembers(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[0]
	was := n.core.Stats().ID
	for _, r := range w.records() {
		if r.Key == record.MemberKey(was) {
			require.NoError(t, w.table.Put([]table.Write{{Key: r.Key, Expect: r.Version, Version: 99, Value: r.Value}}))
		}
	}
	w.run(3 * sec)
	require.True(t, n.ready())
	require.NotEqual(t, was, n.core.Stats().ID)
	require.EqualValues(t, 1, n.core.Stats().Clones)
}

// The record of a host and its departure may come in any order, after the table was lost.
func TestADepartureEndsARecordThatCameBefore(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	h := w.host("h")
	g := record.Gone{Kind: 1, Cleaner: w.nodes[1].core.Stats().ID, Host: *h}
	require.NoError(t, w.table.Put([]table.Write{{Key: record.GoneKey("h", h.Registration), Version: 7, Value: g.Encode()}}))
	w.run(5 * sec)
	require.Nil(t, w.host("h"))
	require.Zero(t, w.count(record.KindGone))
	for k, n := range w.local {
		require.Equal(t, 1, n, k)
	}
}

// A question is withdrawn, and another member changes the metadata of the host. When all have read
// the question, nothing of what was known then is written again.
func TestAQuestionThatWasWithdrawnIsForgotten(t *testing.T) {
	w := settled(t, 3)
	read := w.unread()
	a, c := w.nodes[0], w.nodes[2]
	a.heartbeat("h")
	w.run(timeout + 2*sec)
	require.True(t, w.host("h").Asked)
	a.heartbeat("h")
	w.run(sec)
	require.False(t, w.host("h").Asked)
	c.reg.hosts["h"].metadata = "y"
	c.reg.changed["h"] = true
	c.pump()
	w.run(sec)
	w.onHost = func(_ *node, _ string, h *record.Host) { require.Equal(t, "y", string(h.Metadata)) }
	w.run(timeout + 2*sec)
	require.True(t, w.host("h").Asked)
	read()
	w.run(10 * sec)
	w.nowhere("h")
}

// A process replaces the one before it, at a member that cannot write that yet. The keeper of the
// former one asks about it, and waits.
func TestADepartureThatIsToBeWrittenIsAnAnswer(t *testing.T) {
	w := settled(t, 3)
	a, keeper := w.nodes[0], w.nodes[1]
	keeper.reg.announce("h", 1, "x")
	keeper.pump()
	w.run(timeout - 100*ms)
	w.delays = func(by *node, b []member.Write) (int64, bool) {
		return 0, by == a && !strings.HasPrefix(b[0].Key, "m/")
	}
	a.reg.announce("h", 2, "x")
	a.pump()
	w.run(10 * sec)
	require.True(t, w.host("h").Asked)
	require.Zero(t, w.evicted)
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	w.run(5 * sec)
	require.Equal(t, uint64(2), w.host("h").Incarnation)
	require.Zero(t, w.evicted)
	w.run(2 * timeout)
	w.nowhere("h")
	require.Equal(t, 1, w.evicted)
}
