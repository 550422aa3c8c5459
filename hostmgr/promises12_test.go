package hostmgr_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A backlog is served as fast as it grows. Each cleanup waits only for those that were queued
// before it (vespa-engine/vespa#20529).
func TestPromise12CleanupsAreDoneInTheOrderOfDepartures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards waits
		waits := map[string]time.Duration{}
		r, err := hostmgr.New(hostmgr.Config[string]{CleanupWorkers: 1, Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			mu.Lock()
			waits[d.Host.ID] = time.Since(d.At)
			mu.Unlock()
			time.Sleep(time.Second)
			return nil
		}})
		require.NoError(t, err)
		stop := run(t, r)
		leave := func(id int) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(id)})
			require.NoError(t, err)
			go func() { _ = r.Leave(t.Context(), strconv.Itoa(id), 0) }()
			synctest.Wait()
		}
		for i := range 10 {
			leave(i)
		}
		for i := range 1000 {
			time.Sleep(time.Second)
			leave(10 + i)
		}
		time.Sleep(20 * time.Second)
		stop()
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, waits, 1010)
		for id, wait := range waits {
			require.LessOrEqual(t, wait, 10*time.Second, id)
		}
	})
}

// A retry comes before the cleanup of a host that departed after the pause of the retry was over. A
// new cleanup comes before a retry whose pause ended later.
func TestRetriesAndNewCleanupsTakeTurns(t *testing.T) {
	var order []string
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		order = append(order, fmt.Sprint(d.Host.ID, d.Attempt))
		if d.Host.ID == "bad" {
			return errNotNow
		}
		return nil
	}})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	depart := func(id string) {
		s.join(id)
		require.ErrorIs(t, s.Leave(gone, id, 0), hostmgr.ErrCleanupPending)
	}
	depart("bad")
	s.after(0) // the retry is due after 100 ms
	s.clock.Advance(50 * time.Millisecond)
	depart("early")
	s.clock.Advance(100 * time.Millisecond)
	depart("late")
	s.after(0)
	require.Equal(t, []string{"bad1", "early1", "bad2", "late1"}, order)
}

// Hosts depart and cleanups fail at random. Among the cleanups that are ready, the one that has
// waited longest is done first.
func TestTheCleanupThatWaitsLongestIsDoneFirst(t *testing.T) {
	for seed := range uint64(times(20, 2000)) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		type job struct {
			ready time.Time // when it became ready
			seq   int
			tries int
		}
		jobs, seq := map[string]*job{}, 0
		var s *script
		s = newScript(t, hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			j := jobs[d.Host.ID]
			for id, o := range jobs {
				if o != j && cmp.Or(o.ready.Compare(j.ready), cmp.Compare(o.seq, j.seq)) < 0 {
					require.Failf(t, "it has to wait", "seed %d: %s, ready at %v, before %s, ready at %v", seed, d.Host.ID, j.ready, id, o.ready)
				}
			}
			s.clock.Advance(time.Duration(rnd.IntN(30)) * time.Millisecond)
			if rnd.IntN(3) > 0 {
				delete(jobs, d.Host.ID)
				return nil
			}
			j.tries++
			j.ready = s.clock.Now().Add(min(30*second, 100*time.Millisecond<<(j.tries-1)))
			return errNotNow
		}})
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		for range 200 {
			s.clock.Advance(time.Duration(rnd.IntN(40)) * time.Millisecond)
			if rnd.IntN(3) > 0 {
				seq++
				id := strconv.Itoa(seq)
				s.join(id)
				_ = s.Leave(gone, id, 0)
				jobs[id] = &job{ready: s.clock.Now(), seq: seq}
			} else {
				s.Sweep(context.Background())
			}
		}
		for len(jobs) > 0 {
			s.clock.Advance(time.Minute)
			s.Sweep(context.Background())
		}
	}
}

// Hosts depart faster than they are cleaned up. A Sweep by hand ends all the same, and the next one
// evicts hosts.
func TestASweepEndsAlthoughDeparturesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			time.Sleep(2 * time.Millisecond)
			return nil
		}})
		require.NoError(t, err)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		end := make(chan struct{})
		go func() { // a departure each millisecond
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				case <-time.After(time.Millisecond):
				}
				id := strconv.Itoa(i)
				_, _ = r.Announce(hostmgr.Announcement[string]{ID: id})
				_ = r.Leave(gone, id, 0)
			}
		}()
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "dead", Interval: time.Second})
		require.NoError(t, err)
		time.Sleep(1950 * time.Millisecond)
		swept := make(chan struct{})
		go func() {
			defer close(swept)
			r.Sweep(t.Context())
			r.Sweep(t.Context())
		}()
		time.Sleep(20 * time.Second)
		select {
		case <-swept:
		default:
			t.Error("two sweeps take more than 20 s")
		}
		close(end)
		<-swept
		_, there := r.Get("dead")
		require.False(t, there)
	})
}

// Cleanups that sweep do not nest: the stack does not grow with the number of due hosts
// (patrickmn/go-cache#163).
func TestASweepWithinACleanupDoesNoCleanups(t *testing.T) {
	const many = 40_000
	for name, of := range map[string]func(context.Context) context.Context{
		"its context": func(ctx context.Context) context.Context { return ctx },
		"another one": func(context.Context) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			depth, deepest, done := 0, 0, 0
			var s *script
			s = newScript(t, hostmgr.Config[string]{Cleanup: func(ctx context.Context, _ hostmgr.Departure[string]) error {
				depth++
				deepest = max(deepest, depth)
				if deepest < 100 { // the bound keeps the old fault from taking a minute
					require.Zero(t, s.Sweep(of(ctx)).Cleaned)
				}
				depth--
				done++
				return nil
			}})
			for i := range many {
				s.join(strconv.Itoa(i))
			}
			rep := s.after(3 * second)
			require.Equal(t, [2]int{many, many}, [2]int{rep.Evicted, rep.Cleaned})
			require.Equal(t, [2]int{1, many}, [2]int{deepest, done})
		})
	}
}

// Each cleanup lets another host leave, whose cleanup does the same, and so on. They nest to a
// bounded depth, and all are done.
func TestLeavesWithinCleanupsNestToABoundedDepth(t *testing.T) {
	const many = 1000
	depth, deepest := 0, 0
	var order []string
	var s *script
	s = newScript(t, hostmgr.Config[string]{Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
		depth++
		deepest = max(deepest, depth)
		order = append(order, d.Host.ID)
		i, _ := strconv.Atoi(d.Host.ID)
		if err := s.Leave(ctx, strconv.Itoa(i+1), 0); err != nil && i+1 < many {
			require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		}
		depth--
		return nil
	}})
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	require.NoError(t, s.Leave(context.Background(), "0", 0))
	for range many {
		s.Sweep(context.Background())
	}
	require.Len(t, order, many)
	require.True(t, slices.IsSortedFunc(order, func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
	require.LessOrEqual(t, deepest, 20)
	require.Zero(t, s.Len())
}
