package hostmgr_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// newWatched returns a registry with n hosts, in a bubble.
func newWatched(t *testing.T, n int) *hostmgr.Registry[int] {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(t, err)
	for i := range n {
		update(t, r, i)
	}
	return r
}

// update announces the i-th host.
func update(t *testing.T, r *hostmgr.Registry[int], i int) {
	t.Helper()
	_, err := r.Announce(hostmgr.Announcement[int]{ID: fmt.Sprint(i), Interval: 24 * time.Hour})
	require.NoError(t, err)
}

// updates announces random hosts at a rate per second, until ctx ends.
func updates(ctx context.Context, t *testing.T, r *hostmgr.Registry[int], n, rate int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		update(t, r, rnd.IntN(n))
		time.Sleep(time.Second / time.Duration(rate))
	}
}

// A loop that takes a millisecond for an event, among hosts that change almost as fast, or faster.
// The snapshot goes on while it is built: the loop gets all hosts.
func TestASlowWatcherGetsAllHostsWhileTheyChange(t *testing.T) {
	for _, rate := range []int{500, 900, 1500, 1800} {
		synctest.Test(t, func(t *testing.T) {
			const hosts = 1000
			r := newWatched(t, hosts)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { updates(ctx, t, r, hosts, rate) })
			begun, m := time.Now(), mirror{}
			synced := time.Duration(0)
			wg.Go(func() {
				for e := range r.Watch(ctx) {
					m.apply(t, e)
					time.Sleep(time.Millisecond)
					if e.Kind == hostmgr.EventSynced && synced == 0 {
						synced = time.Since(begun)
						require.Len(t, m.hosts, hosts)
					}
				}
			})
			time.Sleep(20 * time.Second)
			cancel()
			wg.Wait()
			require.NotZero(t, synced, "%d updates a second: neither synced nor missed, %d missed", rate, m.missed)
			t.Log(rate, "updates a second: synced after", synced, "missed", m.missed)
		})
	}
}

// A watcher falls behind while EventSynced waits in its queue. EventMissed counts the other events.
func TestMissedCountsNoEventSynced(t *testing.T) {
	const hosts = 100
	r := newWatched(t, hosts)
	joined, m := 0, mirror{}
	for e := range r.Watch(t.Context()) {
		if e.Kind == hostmgr.EventMissed {
			require.Equal(t, e.Seq-m.seq, e.Missed)
			break
		}
		require.NotEqual(t, hostmgr.EventSynced, e.Kind)
		m.apply(t, e)
		if joined++; joined == hosts || joined == hosts+1 {
			for i := range 2500 {
				update(t, r, i%hosts)
			}
		}
	}
}

// Watchers that are slow, hang or do not read delay no other one, which gets each event in order,
// at the moment at which it happens. When they take events again they get a snapshot.
func TestSlowWatchersDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts, kinds = 300, 3
		r := newWatched(t, hosts)
		ctx, cancel := context.WithCancel(t.Context())
		busy, stopWriting := context.WithCancel(ctx)
		var mirrors [3 * kinds]mirror
		var watchers, writers sync.WaitGroup
		for i := range kinds {
			watchers.Go(func() { follow(ctx, t, r, &mirrors[i], requireNow) })
			watchers.Go(func() {
				follow(ctx, t, r, &mirrors[kinds+i], func(testing.TB, hostmgr.Event[int]) { time.Sleep(time.Millisecond) })
			})
			watchers.Go(func() {
				follow(ctx, t, r, &mirrors[2*kinds+i], func(_ testing.TB, e hostmgr.Event[int]) {
					if e.Kind == hostmgr.EventSynced && busy.Err() == nil {
						<-busy.Done()
					}
				})
			})
		}
		next, stop := iter.Pull(r.Watch(ctx)) // it reads one event, and no more
		next()
		writers.Go(func() { updates(busy, t, r, hosts, 3000) })
		time.Sleep(8 * time.Second)
		begun := time.Now()
		r.Sweep(ctx)
		require.Zero(t, time.Since(begun))
		stopWriting()
		writers.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range mirrors {
			require.True(t, mirrors[i].synced)
			require.Len(t, mirrors[i].hosts, hosts)
			for h := range r.All() {
				require.Equal(t, h.LastContact, mirrors[i].hosts[h.ID].LastContact)
			}
			require.Equal(t, i >= kinds, mirrors[i].missed > 0, "watcher %d missed %d", i, mirrors[i].missed)
		}
		stop()
		cancel()
		watchers.Wait()
	})
}

func follow(ctx context.Context, t testing.TB, r *hostmgr.Registry[int], m *mirror, then func(testing.TB, hostmgr.Event[int])) {
	for e := range r.Watch(ctx) {
		m.apply(t, e)
		then(t, e)
	}
}

// requireNow requires that a change happened now.
func requireNow(t testing.TB, e hostmgr.Event[int]) {
	if e.Kind == hostmgr.EventUpdated && time.Since(e.At) != 0 {
		require.Zero(t, time.Since(e.At), "it waited")
	}
}

// Many watchers that hang cost a bounded amount of memory: 4096 events each at most, and nothing
// once they have fallen behind.
func TestWatchersThatHangCostBoundedMemory(t *testing.T) {
	const hosts, hanging = 100, 20
	r := newWatched(t, hosts)
	ctx, cancel := context.WithCancel(t.Context())
	var ready, watchers sync.WaitGroup
	ready.Add(hanging)
	for range hanging {
		watchers.Go(func() {
			for e := range r.Watch(ctx) {
				if e.Kind == hostmgr.EventSynced {
					ready.Done()
					<-ctx.Done()
				}
			}
		})
	}
	ready.Wait()
	before := heap()
	for i := range 20_000 {
		update(t, r, i%hosts)
		if i == 4000 {
			require.Less(t, heap()-before, int64(hanging*4096*512))
		}
	}
	require.Less(t, heap()-before, int64(1<<20))
	cancel()
	watchers.Wait()
}
