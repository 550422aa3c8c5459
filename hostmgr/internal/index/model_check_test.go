package index

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
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

// WalkIn finds the hosts of some zones. A second walk looks only at buckets that have such hosts.
func (m *model) WalkIn(t *rapid.T) {
	var zones ZoneSet
	for _, zone := range rapid.SliceOfN(rapid.Uint8Range(0, 70), 0, 3).Draw(t, "zones") {
		zones = zones.With(zone)
	}
	want := map[uint64]bool{}
	buckets := map[*bucket]bool{}
	for id, host := range m.hosts {
		if zones&ZoneSet(0).With(host.zone) != 0 {
			want[host.number], buckets[m.x.bucket(m.hash(id))] = true, true
		}
	}
	got := map[uint64]bool{}
	for c := (Cursor{}); !c.Done(); {
		m.x.AdvanceIn(&c, zones, func(e Entry) {
			require.False(t, got[e.Registration()], "met twice")
			got[e.Registration()] = true
		})
	}
	require.Equal(t, want, got)
	for _, item := range m.x.deadlines {
		require.Equal(t, buckets[item.bucket], item.bucket.zones.has(zones))
	}
}

// WalkSince finds the hosts with a contact since a time that depends on their interval.
func (m *model) WalkSince(t *rapid.T) {
	at := m.now - rapid.Int64Range(-1, 30*second).Draw(t, "ago")
	since := func(own *detector.Timeouts) int64 { return at - int64(own.Interval)/7 }
	want, got := map[uint64]bool{}, map[uint64]bool{}
	for _, host := range m.hosts {
		if host.contact >= since(host.timeouts) {
			want[host.number] = true
		}
	}
	for c := (Cursor{}); !c.Done(); {
		m.x.AdvanceSince(&c, since, func(e Entry) {
			require.False(t, got[e.Registration()], "met twice")
			got[e.Registration()] = true
		})
	}
	require.Equal(t, want, got)
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
				"walk in zones": m.WalkIn, "walk since": m.WalkSince,
				"check": m.Check,
			})
			m.Check(t)
		})
	}
}
