package hostmgr_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// A sharedFleet is a shared registry that hosts and a member use at the same time.
type sharedFleet struct {
	*hostmgr.Sharing[int]
	r *hostmgr.Registry[int]
	t *testing.T

	mu       sync.Mutex // guards all below
	contacts map[string][]heardAt
	departed []*hostmgr.Departure[int]
	number   uint64
}

// A heardAt is a contact that was answered without error.
type heardAt struct {
	at           time.Time
	registration uint64
}

// live is what a host does until the end: it announces itself, sends heartbeats, falls silent, and
// leaves now and then.
func (f *sharedFleet) live(id string, end time.Time) {
	rnd := rand.New(rand.NewPCG(uint64(len(id)), rand.Uint64()))
	for time.Now().Before(end) {
		at := time.Now()
		ack, err := f.r.Heartbeat(id, 0)
		if err != nil {
			ack, err = f.r.Announce(hostmgr.Announcement[int]{ID: id, Interval: 20 * time.Millisecond})
		}
		if err == nil {
			f.mu.Lock()
			f.contacts[id] = append(f.contacts[id], heardAt{at, ack.Registration})
			f.mu.Unlock()
		}
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		if rnd.IntN(50) == 0 {
			_ = f.r.Leave(f.t.Context(), id, 0)
		}
	}
}

// work is what a member does with one host: the members have agreed at once, or know other numbers.
func (f *sharedFleet) work(id string, rnd *rand.Rand) {
	h, p, ok := f.Look(id)
	if !ok {
		return
	}
	f.mu.Lock()
	f.number++
	h.Registration, h.Incarnation = f.number, f.number
	f.mu.Unlock()
	current := h.Registration
	if now, ok := f.r.Get(id); ok {
		current = now.Registration
	}
	r := shared.Reflection{Keeper: uint8(rnd.IntN(3)), Assigned: true, Suspect: rnd.IntN(2) == 0}
	switch rnd.IntN(6) {
	case 0:
		_, err := f.Reflect(h, r)
		if err != nil {
			f.t.Error(err)
		}
	case 1:
		f.Assign(id, current, r)
	case 2:
		f.Vouch(r.Keeper, time.Duration(rnd.IntN(60)-30)*time.Millisecond)
	default:
		f.Settle(id, current, p.Word, p.Now, time.Now().Add(time.Second))
	}
}

func (f *sharedFleet) member(end time.Time) {
	rnd := rand.New(rand.NewPCG(1, rand.Uint64()))
	for time.Now().Before(end) {
		changed, departed := f.Take(1+rnd.IntN(100), 1+rnd.IntN(100))
		f.mu.Lock()
		f.departed = append(f.departed, departed...)
		f.mu.Unlock()
		for _, x := range changed {
			f.work(x.ID, rnd)
		}
		f.work(strconv.Itoa(rnd.IntN(20)), rnd)
		time.Sleep(time.Millisecond)
	}
}

// No member evicts a host before its timeout has passed after any contact that was answered without
// error, whatever else happens to it meanwhile. Each registration departs once, and no figure is
// wrong at the end.
func TestNoContactIsLostInASharedRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{})
		require.NoError(t, err)
		stop := run(t, r)
		f := &sharedFleet{Sharing: r.Sharing(), r: r, t: t, contacts: map[string][]heardAt{}, number: 100}
		require.NoError(t, f.Begin(func() {}))
		end := time.Now().Add(time.Duration(times(5, 120)) * time.Second)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { f.live(strconv.Itoa(i), end) })
		}
		for range 3 {
			all.Go(func() { f.member(end) })
		}
		all.Wait()
		for h := range r.All() {
			require.NoError(t, r.Forget(h.ID, 0))
		}
		_, departed := f.Take(1<<20, 1<<20)
		f.departed = append(f.departed, departed...)
		f.checkDepartures()
		st := r.Stats()
		require.Positive(t, st.Departures.Evicted)
		require.Equal(t, st.Joins, uint64(len(f.departed)))
		require.Zero(t, st.Hosts+st.Suspects+st.Held+len(zonesOf(st)))
		require.GreaterOrEqual(t, st.Suspected, st.Recovered)
		changed, departed := f.Take(1, 1)
		require.Empty(t, changed)
		require.Empty(t, departed)
		stop()
	})
}

func (f *sharedFleet) checkDepartures() {
	ended := map[uint64]bool{}
	for _, d := range f.departed {
		require.False(f.t, ended[d.Host.Registration], "it departs twice")
		ended[d.Host.Registration] = true
		if d.Kind != hostmgr.DepartureEvicted {
			continue
		}
		for _, c := range f.contacts[d.Host.ID] {
			silence := d.At.Sub(c.at)
			early := silence > 0 && silence <= d.Timeout || silence == 0 && c.registration == d.Host.Registration
			require.False(f.t, early, "evicted %v after a contact: %+v", silence, d)
		}
	}
}
