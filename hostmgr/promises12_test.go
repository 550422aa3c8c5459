package hostmgr_test

import (
	"context"
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

// Cleanups that sweep do not nest: the stack does not grow with the number of due hosts
// (patrickmn/go-cache#163).
func TestASweepWithinACleanupDoesNoCleanups(t *testing.T) {
	const many = 1000
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
				require.Zero(t, s.Sweep(of(ctx)).Cleaned)
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
