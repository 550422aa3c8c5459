package index

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Walk goes on with the walk that is under way, or begins another.
func (m *model) Walk(t *rapid.T) {
	if m.walk.Done() || m.met == nil {
		m.walk, m.met, m.from = Cursor{}, map[uint64]bool{}, map[uint64]bool{}
		for _, host := range m.hosts {
			m.from[host.number] = true
		}
	}
	ahead, n := m.x.Ahead(&m.walk), 0
	m.x.Advance(&m.walk, func(e Entry) {
		require.False(t, m.met[e.Registration()], "met twice")
		m.met[e.Registration()] = true
		n++
	})
	require.LessOrEqual(t, n, ahead)
	if m.walk.Done() {
		for number := range m.from {
			require.True(t, m.met[number], "registration %d was not met", number)
		}
	}
}

// Check compares all that both know.
func (m *model) Check(t *rapid.T) {
	if m.x.Len() != len(m.hosts) {
		t.Fatalf("%d hosts, not %d", m.x.Len(), len(m.hosts))
	}
	held, most := 0, 0
	for _, item := range m.x.deadlines {
		held += item.bucket.held
		most = max(most, len(item.bucket.words))
	}
	require.LessOrEqual(t, most, max(m.x.mostSlots(), slotUnit))
	for id, host := range m.hosts {
		e := m.lookup(t, id)
		got := modelHost{
			number: e.Registration(), contact: ContactOf(e.Word()), timeouts: e.Timeouts(),
			suspect: IsSuspect(e.Word()), held: e.Held(), zone: e.Zone(), arrivals: host.arrivals,
		}
		if m.learns {
			got.arrivals, _, _ = e.Arrivals()
		}
		if got != *host || e.ID() != id || *valueOf[string](e) != id || e.Incarnation() != host.number+1000 {
			t.Fatalf("host %s is %+v, not %+v", id, got, *host)
		}
		if e.Held() {
			held--
		}
		if b := e.bucket; b.earliestDeadline() > ContactOf(e.Word())+e.Timeouts().MinTimeout(false) {
			t.Fatalf("host %s is earlier than its bucket", id)
		}
	}
	require.Zero(t, held)
}

// Whatever is done to an index, it is what a map says.
func TestAnIndexAgainstAMap(t *testing.T) {
	for _, learns := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			m := newModel(learns)
			t.Repeat(map[string]func(*rapid.T){
				"insert": m.Insert, "insert many": m.InsertMany, "replace": m.Replace,
				"leave": m.Leave, "leave many": m.LeaveMany, "touch": m.Touch, "touch again": m.Touch,
				"change": m.Change, "answer": m.Answer, "sweep": m.Sweep, "walk": m.Walk, "walk on": m.Walk,
				"check": m.Check,
			})
			m.Check(t)
		})
	}
}
