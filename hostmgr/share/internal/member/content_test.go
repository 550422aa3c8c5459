package member_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// An Update at a member that does not hear the host changes the metadata, and nothing else.
func TestAnUpdateIsNoContact(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	n := w.nodes[1]
	n.reg.hosts["h"].metadata = "y"
	n.reg.changed["h"] = true
	n.pump()
	w.run(sec)
	require.Equal(t, w.nodes[0].core.Stats().ID, w.host("h").Keeper)
	for _, n := range w.nodes {
		require.Equal(t, "y", n.reg.hosts["h"].metadata)
	}
	w.run(timeout)
	w.nowhere("h")
}

// A process announces itself to two members, and leaves at one of them before that has read the
// record of the other.
func TestALeaveIsForTheWholeProcess(t *testing.T) {
	w := settled(t, 3)
	for _, n := range w.nodes[:2] {
		n.reg.announce("h", 7, "x")
		n.pump()
	}
	require.True(t, w.nodes[1].leave("h"))
	w.run(5 * sec)
	w.nowhere("h")
	require.Zero(t, w.evicted)
	require.Len(t, w.ends, 2, "each registration was acknowledged")
}

// A table with more keepers than a member can number: hosts of the rest are not judged.
func TestMoreKeepersThanNumbers(t *testing.T) {
	w := settled(t, 2)
	for i := range 300 {
		h := record.Host{
			Registration: uint64(1000 + i), Keeper: fmt.Sprint("keeper", i),
			Content: record.Content{Incarnation: 1, Interval: uint64(interval)},
		}
		require.NoError(t, w.table.Put([]table.Write{
			{Key: record.HostKey(fmt.Sprint("f", i)), Version: uint64(i + 1), Value: h.Encode()},
		}))
	}
	w.run(2*timeout + 3*lapse)
	require.Less(t, w.count(record.KindHost), 50, "those of the first are evicted")
	w.nodes[0].heartbeat("h")
	w.run(timeout + sec)
	require.Nil(t, w.host("h"))
	for _, n := range w.nodes {
		require.True(t, n.ready())
	}
}

// A member begins to suspect a host at the moment when the host announces new metadata to another
// one. The suspicion is no newer content.
func TestASuspicionBringsNoOldContentBack(t *testing.T) {
	w := settled(t, 2)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	w.nodes[1].reg.announce("h", 0, "y")
	w.nodes[1].pump()
	w.nodes[0].reg.note("h") // not taken before the feed shows the other metadata
	w.nodes[0].take()
	w.run(sec)
	for _, n := range w.nodes {
		require.Equal(t, "y", n.reg.hosts["h"].metadata)
	}
	require.Equal(t, "y", string(w.host("h").Metadata))
}

// Registries keep their numbers apart by 2^32. A leave that comes too late for one registration
// does nothing to the next one.
func TestNumbersThatAreFarApartDiffer(t *testing.T) {
	w := settled(t, 2)
	a, b := w.nodes[0], w.nodes[1]
	w.registrations = 946684800983332974
	a.reg.announce("h", 1, "x")
	a.pump()
	w.run(sec)
	w.delays = func(by *node, _ []member.Write) (int64, bool) { return 0, by == b }
	require.True(t, b.leave("h"))
	w.registrations += 1 << 32
	a.reg.announce("h", 2, "x")
	a.pump()
	w.run(100 * ms)
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	before := w.writes
	w.run(10 * sec)
	require.Equal(t, w.registrations, w.host("h").Registration)
	require.Less(t, w.writes-before, 10)
}
