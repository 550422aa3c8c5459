package member_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// roamer is a world of three with a host that roams. Member 0 has asked about it, and member 1 has
// answered at the time of the host's last contact, an interval ago.
func roamer(t *testing.T) *world {
	w := settled(t, 3)
	w.contacts(0, 1, 1)
	require.Equal(t, 1, w.questions())
	w.keptBy(1)
	return w
}

// contacts has the host make contacts at members, one each interval. It returns how many records
// they have cost an interval later.
func (w *world) contacts(at ...int) (records int) {
	before := w.writes
	for _, n := range at {
		w.nodes[n].heartbeat("h")
		w.run(interval)
	}
	return w.writes - before
}

// questions is how many were asked.
func (w *world) questions() (n int) {
	for _, x := range w.nodes {
		n += int(x.core.Stats().Asked)
	}
	return n
}

func (w *world) keptBy(n int) {
	w.t.Helper()
	require.Equal(w.t, w.nodes[n].core.Stats().ID, w.host("h").Keeper)
}

func TestAHostThatRoamsIsTakenBeforeItsKeeperAsks(t *testing.T) {
	w := roamer(t)
	require.Zero(t, w.contacts(2), "its keeper may hear the next contact")
	require.Equal(t, 1, w.contacts(2), "otherwise the keeper would ask")
	w.keptBy(2)
	require.Zero(t, w.contacts(0))
	require.Equal(t, 1, w.contacts(1))
	w.keptBy(1)
	require.Equal(t, 1, w.questions())
	require.Zero(t, w.evicted)
}

// Two contacts are a relief, or the keeper hears the second. So it takes two more until the next.
func TestTheKeeperThatHearsTheLastContactIsNotRelieved(t *testing.T) {
	w := roamer(t)
	require.Zero(t, w.contacts(2, 1, 2))
	w.keptBy(1)
	require.Equal(t, 1, w.contacts(2))
	w.keptBy(2)
	require.Equal(t, 1, w.questions())
}

func TestAHostThatStaysCostsNothing(t *testing.T) {
	w := roamer(t)
	for range 20 {
		require.Zero(t, w.contacts(1))
	}
	require.Equal(t, 2, w.contacts(2, 2, 2), "it does not count as one that roams any more")
	w.keptBy(2)
	w = roamer(t)
	require.Equal(t, 1, w.contacts(2, 2, 2, 2, 2, 2, 2, 2))
	w.keptBy(2)
}

// A host that makes each contact at all members does not roam, even if it has.
func TestAHostAtAllMembersCostsNothing(t *testing.T) {
	w := roamer(t)
	before := w.writes
	for range 30 {
		for _, n := range w.nodes {
			n.heartbeat("h")
		}
		w.run(interval)
	}
	require.LessOrEqual(t, w.writes-before, 1)
	require.Equal(t, 1, w.questions())
}

func TestAHostThatRoamedAndDiedIsEvicted(t *testing.T) {
	for _, last := range [][]int{nil, {2}, {2, 0}, {2, 0, 1}} {
		w := roamer(t)
		w.contacts(last...)
		w.run(interval - sec)
		w.everywhere("h")
		w.run(timeout + 2*lapse) // its registry counts from when former keepers would have been silent
		w.nowhere("h")
		require.Equal(t, 1, w.evicted)
	}
}
