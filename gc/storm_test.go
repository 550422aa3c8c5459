package gc_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// All methods are called concurrently, at random, for seconds. No run of an ID overlaps another, no
// run is left when all callers have returned, and only callers that leave get the cause of leaving.
func TestStorm(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		s := &storm{g: g, until: time.Now().Add(5 * time.Second)}
		var wg sync.WaitGroup
		for range 4 {
			for _, act := range []func(*testing.T, string){s.swap, s.wait, s.leave, s.restart} {
				wg.Go(func() { s.keep(t, act) })
			}
		}
		wg.Wait()
		time.Sleep(time.Second) // for runs whose callers left
		synctest.Wait()
		require.False(t, s.overlapped.Load())
		require.False(t, s.misled.Load())
		require.Zero(t, s.flying[0].Load()+s.flying[1].Load())
		require.Positive(t, s.runs.Load())
	})
}

type storm struct {
	g          *gc.GC
	until      time.Time
	flying     [2]atomic.Int32
	overlapped atomic.Bool
	misled     atomic.Bool
	runs       atomic.Int64
}

func (s *storm) keep(t *testing.T, act func(*testing.T, string)) {
	for time.Now().Before(s.until) {
		time.Sleep(rand.N(20 * time.Millisecond))
		act(t, []string{"a", "b"}[rand.IntN(2)])
	}
}

func (s *storm) swap(_ *testing.T, id string) {
	s.g.Remove(id)
	task := gc.Task{ID: id, Interval: 3 * time.Millisecond, Timeout: 8 * time.Millisecond, Jitter: 0.5}
	task.Run = func(ctx context.Context) error { return s.run(ctx, &s.flying[id[0]-'a']) }
	_ = s.g.Add(task) // another swap may have been faster
}

func (s *storm) run(ctx context.Context, flying *atomic.Int32) error {
	if flying.Add(1) > 1 {
		s.overlapped.Store(true)
	}
	defer flying.Add(-1)
	s.runs.Add(1)
	select {
	case <-ctx.Done():
		time.Sleep(rand.N(time.Millisecond))
	case <-time.After(rand.N(10 * time.Millisecond)):
	}
	return context.Cause(ctx)
}

// left is the cause of callers of leave. No other caller may get it.
type left struct{}

func (left) Error() string { return "left" }

func (s *storm) wait(t *testing.T, id string) {
	if errors.Is(s.g.RunNow(t.Context(), id), left{}) {
		s.misled.Store(true)
	}
}

func (s *storm) leave(t *testing.T, id string) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), rand.N(5*time.Millisecond), left{})
	defer cancel()
	_ = s.g.RunNow(ctx, id)
}

func (s *storm) restart(t *testing.T, _ string) {
	ctx, cancel := context.WithTimeout(t.Context(), rand.N(50*time.Millisecond))
	defer cancel()
	_ = s.g.Run(ctx)
}
