package member_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// settled is a world whose members have seen each other and have no time of quiet.
func settled(t *testing.T, members int) *world { return settledBy(t, 1, members) }

func settledBy(t *testing.T, seed uint64, members int) *world {
	w := newWorld(t, seed, members)
	if testing.Verbose() {
		w.trace = t.Logf
	}
	w.run(15 * sec)
	for _, n := range w.nodes {
		require.True(t, n.ready(), n.name)
		require.Len(t, n.core.Stats().Peers, members)
	}
	return w
}

// keep makes a host send heartbeats to a node.
func (w *world) keep(id string, n func() *node) (stop func()) {
	stopped := false
	var beat func()
	beat = func() {
		if !stopped {
			n().heartbeat(id)
			w.after(interval-w.between(0, sec), beat)
		}
	}
	beat()
	return func() { stopped = true }
}

func (w *world) everywhere(id string) {
	w.t.Helper()
	for _, n := range w.nodes {
		require.NotNil(w.t, n.reg.hosts[id], n.name)
	}
}

func (w *world) nowhere(id string) {
	w.t.Helper()
	w.run(3 * sec) // until all have read its departure
	require.Nil(w.t, w.host(id))
	for _, n := range w.nodes {
		require.Nil(w.t, n.reg.hosts[id], n.name)
	}
	require.Empty(w.t, w.wrong)
	for k, n := range w.ends {
		require.Equal(w.t, 1, n, k)
		require.Equal(w.t, 1, w.cleans[k], k)
	}
	for k, n := range w.local {
		require.Equal(w.t, 1, n, k)
	}
	require.Zero(w.t, w.count(record.KindGone))
}

func TestAHostThatIsHeardIsCreated(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(100 * ms)
	require.Equal(t, w.nodes[0].core.Stats().ID, w.host("h").Keeper)
	w.everywhere("h")
	require.EqualValues(t, 1, w.writes)
}

func TestASilentHostIsEvictedOnce(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(timeout + sec)
	w.nowhere("h")
	require.Equal(t, 1, w.evicted)
}

func TestAHostThatRoamsIsKept(t *testing.T) {
	w := settled(t, 3)
	w.keep("h", func() *node { return w.nodes[w.rnd.IntN(3)] })
	w.run(600 * sec)
	w.everywhere("h")
	require.Zero(t, w.evicted)
}

func TestAQuestionIsAnsweredByWhatHearsTheHost(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(5 * sec)
	w.keep("h", func() *node { return w.nodes[1] })
	w.run(100 * sec)
	w.everywhere("h")
	require.Equal(t, w.nodes[1].core.Stats().ID, w.host("h").Keeper)
	require.Zero(t, w.evicted)
}

func TestALeaveEndsAHostAnywhere(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	require.True(t, w.nodes[2].leave("h"))
	w.run(sec)
	w.nowhere("h")
}

func TestALeaveBeforeTheRecordIsWritten(t *testing.T) {
	w := settled(t, 3)
	n := w.nodes[0]
	n.heartbeat("h")
	n.leave("h")
	w.run(sec)
	w.nowhere("h")
	require.Len(t, w.ends, 1)
}

func TestANewerProcessReplacesAtAnyMember(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].reg.announce("h", 7, "old")
	w.run(sec)
	w.nodes[1].reg.announce("h", 8, "new")
	w.run(sec)
	require.EqualValues(t, 8, w.host("h").Incarnation)
	for _, n := range w.nodes {
		require.Equal(t, "new", n.reg.hosts["h"].metadata)
		require.EqualValues(t, 8, n.reg.hosts["h"].incarnation)
	}
	require.Len(t, w.ends, 1)
}

func TestTwoMembersCreateOneHost(t *testing.T) {
	w := settled(t, 3)
	for _, n := range w.nodes {
		n.heartbeat("h")
	}
	w.run(sec)
	w.everywhere("h")
	for _, n := range w.nodes {
		require.Equal(t, w.host("h").Registration, n.reg.hosts["h"].registration)
	}
	require.Empty(t, w.ends)
}

func TestTheGreaterIncarnationWins(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].reg.announce("h", 8, "new")
	w.nodes[1].reg.announce("h", 7, "old")
	w.run(2 * sec)
	w.everywhere("h")
	for _, n := range w.nodes {
		require.EqualValues(t, 8, n.reg.hosts["h"].incarnation)
	}
	require.Len(t, w.ends, 1, "the other one was acknowledged, too")
	require.Len(t, w.cleans, 1)
}

func TestChangedMetadataReachAll(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	w.nodes[1].reg.announce("h", 0, "y")
	w.run(sec)
	for _, n := range w.nodes {
		require.Equal(t, "y", n.reg.hosts["h"].metadata)
	}
	require.Equal(t, w.nodes[1].core.Stats().ID, w.host("h").Keeper)
	writes := w.writes
	w.nodes[2].reg.announce("h", 0, "y")
	w.run(sec)
	require.Equal(t, writes, w.writes, "a refresh that changes nothing is not written")
}

func TestTheDeadKeepersHostsAreTaken(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("dead")
	for i := range 20 {
		id := string(rune('a' + i))
		at := 0
		w.keep(id, func() *node {
			if w.nodes[at].up() {
				return w.nodes[at]
			}
			at = 1 + i%2
			return w.nodes[at]
		})
	}
	w.run(5 * sec)
	w.nodes[0].crash()
	w.nodes = w.nodes[1:]
	w.run(200 * sec)
	require.Equal(t, 1, w.evicted)
	w.nowhere("dead")
	for i := range 20 {
		w.everywhere(string(rune('a' + i)))
	}
	require.Len(t, w.nodes[0].core.Stats().Peers, 2)
}

func TestASharedCleanupIsRepeatedUntilItSucceeds(t *testing.T) {
	w := settled(t, 2)
	w.nodes[0].fails = 5
	w.nodes[0].heartbeat("h")
	w.nodes[0].leave("h")
	w.run(20 * sec)
	w.nowhere("h")
}

func TestACleanupIsTakenOver(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].slow = 60 * sec
	w.nodes[0].heartbeat("h")
	w.nodes[0].leave("h")
	w.run(sec)
	w.nodes[0].crash()
	w.nodes = w.nodes[1:]
	w.run(60 * sec)
	w.nowhere("h")
}

func TestGoodbye(t *testing.T) {
	w := settled(t, 3)
	n := w.nodes[0]
	n.heartbeat("h")
	w.run(sec)
	n.core.Goodbye()
	n.pump()
	w.run(100 * ms)
	require.Len(t, w.nodes[1].core.Stats().Peers, 2)
	require.Equal(t, 1, w.nodes[1].core.Stats().Orphans)
}

func TestAfterAWipeAllIsWrittenAgain(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("silent")
	w.keep("h", func() *node { return w.nodes[1] })
	w.run(5 * sec)
	before := w.host("h").Registration
	w.table.Wipe()
	w.run(5 * sec)
	require.Equal(t, before, w.host("h").Registration)
	require.NotNil(t, w.host("silent"), "its keeper was there")
	w.run(60 * sec)
	require.NotNil(t, w.host("h"))
	w.nowhere("silent")
}
