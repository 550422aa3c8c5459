package hostmgr_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

var sharingSeed = flag.Uint64("sharing.seed", 0, "run only this seed of the model of a shared registry")

// twoTiers suspects a host after two intervals, and evicts it after four.
type twoTiers struct{}

func (twoTiers) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	return 2 * h.Interval, 4 * h.Interval
}

// A sharedHost is what a shared registry promises to show of a host.
type sharedHost struct {
	registration, incarnation uint64
	assigned, doubted         bool
	keeper                    uint8
	interval                  time.Duration
	zone                      string
	data                      int
	heard                     time.Time // here; zero: never
	told                      uint64    // an incarnation that this registry has assigned to it
	announced                 bool      // since the last Take
	awaited                   bool      // the next contact here is to be reported
}

// A sharedParting is a host whose registration another member has ended, and which was heard here.
type sharedParting struct {
	host sharedHost
	at   time.Time
}

// A sharedEnd is a departure that this registry has decided.
type sharedEnd struct {
	id           string
	registration uint64
}

// A sharingModel is a shared registry and a naive model of it.
type sharingModel struct {
	*hostmgr.Sharing[large]
	r          *hostmgr.Registry[large]
	t          *testing.T
	rnd        *rand.Rand
	now        func() time.Time
	hosts      map[string]*sharedHost
	until      [256]time.Time
	must, may  map[string]bool // what Take returns
	parted     map[string]sharedParting
	ended      []sharedEnd // what Take returns, in order
	departures uint64
	number     uint64 // of the table: registrations and incarnations
	data       int
}

// state is that of a host by the contacts here and the word of its keeper, or by those here alone.
func (m *sharingModel) state(h *sharedHost, own bool) hostmgr.State {
	last := h.heard
	if until := m.until[h.keeper]; h.keeper != 0 && !own {
		if until.After(m.now()) {
			until = m.now()
		}
		if until.After(last) {
			last = until
		}
	}
	state, silence := hostmgr.StateAlive, m.now().Sub(last)
	switch {
	case h.interval == hostmgr.Never:
	case silence > 4*h.interval:
		state = hostmgr.StateOffline
	case silence > 2*h.interval:
		state = hostmgr.StateSuspect
	case silence > h.interval:
		state = hostmgr.StateLate
	}
	if h.doubted && !own {
		state = max(state, hostmgr.StateSuspect)
	}
	return state
}

// touch is a contact here.
func (m *sharingModel) touch(id string, at time.Time) {
	h := m.hosts[id]
	if at.After(h.heard) {
		if h.awaited && at.Equal(m.now()) {
			m.must[id] = true
		}
		h.heard, h.awaited = at, false
	}
	h.doubted = h.doubted && m.state(h, true) >= hostmgr.StateSuspect
	m.may[id] = true
}

func (m *sharingModel) change(id string) {
	m.must[id], m.may[id], m.hosts[id].announced = true, true, true
}

// depart ends a registration; here says that this registry has decided so.
func (m *sharingModel) depart(id string, here bool) {
	if m.departures++; here {
		m.ended = append(m.ended, sharedEnd{id, m.hosts[id].registration})
	}
	delete(m.hosts, id)
	delete(m.must, id)
}

func (m *sharingModel) next() uint64 { m.number++; return m.number }

func (m *sharingModel) someZone() string { return []string{"", "x", "y"}[m.rnd.IntN(3)] }

func (m *sharingModel) someInterval() time.Duration {
	return []time.Duration{second, second, 2 * second, hostmgr.Never}[m.rnd.IntN(4)]
}

func (m *sharingModel) check() {
	st := m.r.Stats()
	require.Equal(m.t, len(m.hosts), st.Hosts)
	require.Equal(m.t, uint64(len(m.hosts))+m.departures, st.Joins)
	d := st.Departures
	require.Equal(m.t, m.departures, d.Left+d.Evicted+d.Replaced+d.Forgotten)
	zones := map[string]int{}
	for id, h := range m.hosts {
		zones[h.zone]++
		got, p, ok := m.Look(id)
		require.True(m.t, ok)
		require.Equal(m.t, []any{h.registration, h.incarnation, h.interval, h.zone, h.data, m.state(h, false).String()},
			[]any{got.Registration, got.Incarnation, got.Interval, got.Zone, got.Metadata[128], got.State.String()}, "%s: %+v", id, h)
		heard := !h.heard.IsZero() && m.state(h, true) < hostmgr.StateOffline
		require.Equal(m.t, []any{h.keeper, h.assigned, heard}, []any{p.Keeper, p.Assigned, p.Heard}, "%s: %+v", id, h)
	}
	for _, z := range st.Zones {
		require.Equal(m.t, zones[z.Name], z.Hosts, "zone %q", z.Name)
	}
}

func (m *sharingModel) step() {
	id := strconv.Itoa(m.rnd.IntN(6))
	registered := m.hosts[id] != nil
	switch op := m.rnd.IntN(21); {
	case op < 3:
		m.announce(id)
	case op < 6:
		m.reflect(id)
	case op == 6:
		m.vouch()
	case op == 7:
		m.take(m.rnd.IntN(2) == 0)
	case op < 11:
		m.sweep()
	case !registered:
	case op < 14:
		m.settle(id)
	case op == 14:
		m.heartbeat(id)
	case op == 15:
		at := m.now().Add(-time.Duration(m.rnd.IntN(5)) * second)
		require.NoError(m.t, m.r.Observe(id, 0, m.now().Sub(at)))
		m.touch(id, at)
	case op == 16:
		r := shared.Reflection{Keeper: uint8(m.rnd.IntN(4)), Assigned: m.hosts[id].assigned, Suspect: m.rnd.IntN(2) == 0}
		require.True(m.t, m.Assign(id, m.hosts[id].registration, r))
		m.assign(m.hosts[id], m.hosts[id].registration, r)
	case op == 17:
		m.departElsewhere(id)
	case op == 18:
		m.data++
		require.NoError(m.t, m.r.Update(id, 0, func(l large) large { l[128] = m.data; return l }))
		m.hosts[id].data = m.data
		m.change(id)
	case op == 19:
		m.Await(id, m.hosts[id].registration)
		m.hosts[id].awaited = m.hosts[id].keeper != 0
	default:
		require.NoError(m.t, m.r.Forget(id, 0))
		m.depart(id, true)
	}
}

// mirrorShared applies events, and checks that each fits what came before.
func mirrorShared(t *testing.T, events []hostmgr.Event[large]) map[string]bool {
	suspects := map[string]bool{}
	registered := map[string]uint64{}
	for _, e := range events {
		id := e.Host.ID
		current, ok := registered[id]
		switch e.Kind {
		case hostmgr.EventJoined:
			require.False(t, ok, "%s is registered", id)
			registered[id] = e.Host.Registration
			continue
		case hostmgr.EventSuspected:
			require.False(t, suspects[id], "%s is suspect", id)
			suspects[id] = true
		case hostmgr.EventRecovered:
			require.True(t, suspects[id], "%s is not suspect", id)
			delete(suspects, id)
		case hostmgr.EventUpdated:
			registered[id], current = e.Host.Registration, e.Host.Registration
		case hostmgr.EventDeparted:
			delete(registered, id)
			delete(suspects, id)
		}
		require.True(t, ok)
		require.Equal(t, current, e.Host.Registration)
	}
	return suspects
}

// collect collects the events of some kinds until host "end" joins.
func collect(t *testing.T, r *hostmgr.Registry[large], kinds ...hostmgr.EventKind) func() []hostmgr.Event[large] {
	var events []hostmgr.Event[large]
	synced, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for e := range r.Watch(context.WithoutCancel(t.Context()), kinds...) {
			switch {
			case e.Kind == hostmgr.EventSynced:
				close(synced)
			case e.Host.ID == "end":
				return
			default:
				events = append(events, e)
			}
		}
	}()
	<-synced
	return func() []hostmgr.Event[large] { <-done; return events }
}

func TestSharingAgainstAModel(t *testing.T) {
	for seed := uint64(1); seed <= uint64(times(60, 10_000)); seed++ {
		if *sharingSeed != 0 && seed != *sharingSeed {
			continue
		}
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { runSharingModel(t, seed) }) {
			t.Fatalf("run it with -sharing.seed=%d", seed)
		}
	}
}

func runSharingModel(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	cfg := hostmgr.Config[large]{Policy: twoTiers{}}
	if seed%2 == 0 {
		cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3, PerSecond: 0.5, MaxHold: 10 * second}
	}
	if seed%3 == 0 {
		cfg.Confirm = func(_ context.Context, due []hostmgr.Host[large]) ([]hostmgr.Host[large], error) {
			return due[:(len(due)+rnd.IntN(2))/2], nil
		}
	}
	clock := newScript(t, hostmgr.Config[string]{}).clock
	cfg.Clock = clock
	r, err := hostmgr.New(cfg)
	require.NoError(t, err)
	m := &sharingModel{
		Sharing: r.Sharing(), r: r, t: t, rnd: rnd, now: clock.Now, hosts: map[string]*sharedHost{},
		must: map[string]bool{}, may: map[string]bool{}, parted: map[string]sharedParting{}, number: 100,
	}
	for k := range m.until {
		m.until[k] = clock.Now()
	}
	require.NoError(t, m.Begin(func() {}))
	all := collect(t, r)
	some := []hostmgr.EventKind{hostmgr.EventSuspected, hostmgr.EventRecovered, hostmgr.EventDeparted, hostmgr.EventJoined}
	filtered := collect(t, r, some...)
	for range 300 {
		m.step()
		clock.Advance(time.Duration(rnd.IntN(4)) * second / 2)
		m.check()
	}
	suspects := r.Stats().Suspects
	_, err = r.Announce(hostmgr.Announcement[large]{ID: "end"})
	require.NoError(t, err)
	events := all()
	require.Len(t, mirrorShared(t, events), suspects)
	wanted := slices.DeleteFunc(slices.Clone(events), func(e hostmgr.Event[large]) bool { return !slices.Contains(some, e.Kind) })
	require.Equal(t, len(wanted), len(filtered()))
	for i, e := range filtered() {
		require.Equal(t, wanted[i].Seq, e.Seq)
	}
	require.NoError(t, r.Forget("end", 0))
	for id := range m.hosts {
		require.NoError(t, r.Forget(id, 0))
	}
	st := r.Stats()
	require.Zero(t, st.Hosts+st.Suspects+st.Held+len(zonesOf(st))+st.Confirm.Waiting)
	_, _ = m.Take(1<<20, 1<<20)
	changed, departed := m.Take(1, 1)
	require.Empty(t, changed)
	require.Empty(t, departed)
}
