package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A mirror is a copy of the registry that a watcher builds from events.
type mirror struct {
	hosts  map[string]hostmgr.Host[int]
	synced bool
	missed uint64
	seq    uint64
}

func (m *mirror) apply(t testing.TB, e hostmgr.Event[int]) {
	if m.synced && e.Kind != hostmgr.EventMissed {
		if e.Seq != m.seq+1 {
			require.Equal(t, m.seq+1, e.Seq, "no silent gap")
		}
	}
	m.seq = e.Seq
	switch e.Kind {
	case hostmgr.EventMissed:
		require.Positive(t, e.Missed)
		*m = mirror{missed: m.missed + e.Missed}
	case hostmgr.EventSynced:
		m.synced = true
	case hostmgr.EventJoined:
		if m.hosts == nil {
			m.hosts = map[string]hostmgr.Host[int]{}
		}
		if _, there := m.hosts[e.Host.ID]; there {
			require.Fail(t, "a registration begins while another one of its id is current")
		}
		m.hosts[e.Host.ID] = e.Host
	default:
		if m.hosts[e.Host.ID].Registration != e.Host.Registration {
			require.Fail(t, "an event of a registration that is not current")
		}
		m.hosts[e.Host.ID] = e.Host
		if e.Kind == hostmgr.EventDeparted {
			delete(m.hosts, e.Host.ID)
		}
	}
}

// 64 writers make all kinds of calls while watchers follow, are slow, block, call back, and quit.
// When the writers pause, each mirror equals the registry.
func TestAMirrorBuiltFromWatchEqualsTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{})
		require.NoError(t, err)
		stop := run(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		mirrors := make([]mirror, 6)
		var watchers sync.WaitGroup
		var writing atomic.Bool
		for i := range mirrors {
			watchers.Go(func() {
				events := 0
				for e := range r.Watch(ctx) {
					events++
					mirrors[i].apply(t, e)
					r.Get(e.Host.ID)
					switch {
					case i == 0 && events%300 == 0:
						time.Sleep(5 * second) // falls behind
					case i == 1:
						answer(t, r, e)
					}
				}
			})
		}
		watchers.Go(func() {
			for range r.Watch(ctx) {
				<-ctx.Done() // blocks until the end
			}
		})
		watchers.Go(func() {
			for range r.Watch(ctx) {
				break // quits at once
			}
		})
		watchers.Go(func() {
			for ctx.Err() == nil { // quits again and again, on the way
				m, left := mirror{}, 100+rand.IntN(5000)
				for e := range r.Watch(ctx) {
					m.apply(t, e)
					if left--; left == 0 {
						break
					}
				}
				time.Sleep(time.Millisecond)
				if !writing.Load() {
					time.Sleep(second) // a bubble's time stands still while a goroutine runs
				}
			}
		})
		for round := range times(2, 5) {
			writing.Store(true)
			write(t, r, round)
			writing.Store(false)
			time.Sleep(20 * time.Minute) // silent hosts are evicted, slow watchers catch up
			synctest.Wait()
			for _, m := range mirrors {
				require.True(t, m.synced)
				require.Len(t, m.hosts, r.Len())
				for h := range r.All() {
					if got := m.hosts[h.ID]; got.Metadata != h.Metadata || got.Registration != h.Registration || got.Interval != h.Interval {
						require.Equal(t, h, got)
					}
				}
			}
		}
		require.Positive(t, mirrors[0].missed, "the slow watcher fell behind")
		cancel()
		watchers.Wait()
		stop()
	})
}

// answer calls the registry from within the loop: for each host that left another one joins, which
// leaves when its event arrives.
func answer(t *testing.T, r *hostmgr.Registry[int], e hostmgr.Event[int]) {
	const mark = "instead of "
	switch theirs := strings.HasPrefix(e.Host.ID, mark); {
	case e.Kind == hostmgr.EventDeparted && e.Departure.Kind == hostmgr.DepartureLeft && !theirs:
		_, err := r.Announce(hostmgr.Announcement[int]{ID: mark + e.Host.ID, Interval: time.Hour})
		require.NoError(t, err)
	case e.Kind == hostmgr.EventJoined && theirs:
		_ = r.Leave(t.Context(), e.Host.ID, e.Host.Incarnation)
	}
}

func write(t *testing.T, r *hostmgr.Registry[int], round int) {
	var writers sync.WaitGroup
	for w := range 64 {
		writers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), uint64(round)))
			for i := range times(600, 2000) {
				id := strconv.Itoa(rnd.IntN(200))
				if w%2 == 0 { // many hosts, so that a snapshot takes several buckets
					id = strconv.Itoa(rnd.IntN(5000))
				}
				interval := second
				if rnd.IntN(2) == 0 {
					interval = time.Hour
				}
				switch rnd.IntN(9) {
				case 0, 1, 2:
					_, err := r.Announce(hostmgr.Announcement[int]{ID: id, Metadata: i, Interval: interval})
					require.NoError(t, err)
				case 3:
					if h, ok := r.Get(id); ok {
						_, _ = r.Announce(hostmgr.Announcement[int]{ID: id, Metadata: i, Interval: interval, Incarnation: h.Incarnation + 1})
					}
				case 4:
					_ = r.Leave(t.Context(), id, 0)
				case 5:
					_ = r.Forget(id, 0)
				case 6:
					_ = r.Update(id, 0, func(m int) int { return m + 1 })
				case 7:
					time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
				default:
					_, _ = r.Heartbeat(id, 0)
				}
			}
		})
	}
	writers.Wait()
}

// During the snapshot, hosts that it has shown and hosts that it has not shown join, change and
// depart. At EventSynced the mirror equals the registry at that event number, which no later change
// has passed here.
func TestAMirrorIsCompleteAtSynced(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(5, 6))
	announce := func(i, metadata int, incarnation uint64) {
		_, err := r.Announce(hostmgr.Announcement[int]{ID: strconv.Itoa(i), Metadata: metadata, Incarnation: incarnation})
		require.NoError(t, err)
	}
	newest := uint64(1) << 62
	for i := range 6000 { // in several buckets
		announce(i, 0, 1)
	}
	var m mirror
	events := 0
	for e := range r.Watch(t.Context()) {
		m.apply(t, e)
		if m.synced {
			break
		}
		if events++; events > 5500 { // of the snapshot alone there are more
			continue
		}
		switch i := rnd.IntN(9000); rnd.IntN(5) {
		case 0:
			_ = r.Leave(t.Context(), strconv.Itoa(i), 0)
		case 1:
			announce(i, i, 0)
		case 2:
			newest++
			announce(i, i, newest) // replaces the current host, if there is one
		case 3:
			_ = r.Update(strconv.Itoa(i), 0, func(m int) int { return m + 1 })
		}
	}
	require.Len(t, m.hosts, r.Len())
	for h := range r.All() {
		if got := m.hosts[h.ID]; got.Metadata != h.Metadata || got.Registration != h.Registration {
			require.Equal(t, h, got)
		}
	}
}
