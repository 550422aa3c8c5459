package cleanup_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/clock"
)

// drain drains the queue, and requires that it succeeds.
func (s *script) drain() (took time.Duration) {
	began := time.Now()
	n, err := s.Drain(s.t.Context())
	require.NoError(s.t, err)
	require.Zero(s.t, n)
	return time.Since(began)
}

func TestDrainDoesWhatIsPending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 3, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		require.Zero(t, s.drain())
		for i := range 10 {
			s.add(strconv.Itoa(i))
		}
		require.Equal(t, 4*second, s.drain(), "three at a time")
		require.Zero(t, s.pending())
		none := newScript(t, 1, nil)
		none.add("a")
		require.Zero(t, none.drain())
	})
}

// A job in its pause is tried at once. From then on it is tried after its pauses.
func TestDrainEndsPausesOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var tries []time.Duration
		began := time.Now()
		s := newScript(t, 1, func(_ context.Context, _ string, attempt int) error {
			tries = append(tries, time.Since(began))
			if attempt < 11 {
				return errNotNow
			}
			return nil
		})
		for s.add("a"); s.Stats().Failures < 9; s.sweepAfter(30 * second) {
		}
		began, tries = time.Now(), nil
		require.Equal(t, 30*second, s.drain())
		require.Equal(t, []time.Duration{0, 30 * second}, tries)
	})
}

// When ctx ends, its cleanups end, and Drain says how many are pending.
func TestDrainEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 2, func(ctx context.Context, id string, _ int) error {
			if id == "good" {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
		for _, id := range []string{"good", "a", "b", "c"} {
			s.add(id)
		}
		cause := errors.New("out of time")
		ctx, cancel := context.WithTimeoutCause(t.Context(), second, cause)
		defer cancel()
		n, err := s.Drain(ctx)
		require.Equal(t, cause, err)
		require.Equal(t, 3, n)
		require.Len(t, s.failed, 2)
		n, err = s.Drain(ctx)
		require.Equal(t, cause, err)
		require.Equal(t, 3, n)
		require.Len(t, s.failed, 2, "the context has ended before the call")
	})
}

// One job hangs whatever becomes of its context: it is left behind, and holds up no other.
func TestDrainGoesOnBehindAJobThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open := make(chan struct{})
		s := newScript(t, 1, func(_ context.Context, id string, _ int) error {
			if id == "hangs" {
				<-open
			}
			return nil
		})
		s.add("hangs")
		s.add("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		n, err := s.Drain(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, n)
		require.Equal(t, time.Minute, time.Since(began))
		require.Equal(t, []string{"timed out hangs", "left behind hangs"}, s.reports())
		time.AfterFunc(second, func() { close(open) })
		require.Equal(t, second, s.drain())
	})
}

// Jobs come faster than one Drain can do them: it ends, and so does a job that has to be repeated.
func TestDrainEndsWhileJobsKeepComing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s *script
		n := 0
		s = newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			for range 2 {
				n++
				s.add(strconv.Itoa(n))
			}
			time.Sleep(10 * time.Millisecond)
			if id == "a" && attempt < 3 {
				return errNotNow
			}
			return nil
		})
		s.add("a")
		require.LessOrEqual(t, s.drain(), 10*second)
		require.Greater(t, s.pending(), 1)
	})
}

// The workers do the jobs. Drain ends their pauses, and waits. When the workers end, Drain goes on.
func TestDrainAndWorkersTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most, bad := 0, 0, true
		s := newScript(t, 3, func(context.Context, string, int) error {
			mu.Lock()
			defer mu.Unlock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(second)
			mu.Lock()
			running--
			if bad {
				return errNotNow
			}
			return nil
		})
		for i := range 30 {
			s.add(strconv.Itoa(i))
		}
		stop := s.run()
		time.Sleep(5 * time.Minute) // the pauses are long
		mu.Lock()
		bad = false
		mu.Unlock()
		var drains sync.WaitGroup
		for range 3 {
			drains.Go(func() {
				if took := s.drain(); took > 12*second {
					t.Errorf("Drain took %v", took)
				}
			})
		}
		time.Sleep(2*second + second/2)
		require.Greater(t, s.pending(), 10)
		stop()
		time.Sleep(2 * second)
		stop = s.run()
		drains.Wait()
		stop()
		require.Zero(t, s.pending())
		require.LessOrEqual(t, most, 6, "when workers start, tries of Drains may be under way")
	})
}

// Within a cleanup Drain returns at once, with its context or with another.
func TestADrainWithinACleanupWaitsForNone(t *testing.T) {
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var s *script
				s = newScript(t, 1, func(ctx context.Context, _ string, _ int) error {
					n, err := s.Drain(of(ctx))
					require.ErrorContains(t, err, "within a cleanup")
					require.Positive(t, n)
					return nil
				})
				s.add("a")
				s.add("b")
				require.Zero(t, s.drain())
				require.Zero(t, s.pending())
			})
		})
	}
}

// A job that is given up is not waited for any more.
func TestDrainDoesNotWaitForAJobThatIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(context.Context, string, int) error { return errNotNow })
		s.add("a")
		time.AfterFunc(time.Minute, func() {
			for range 16 {
				s.add("a")
			}
		})
		require.Equal(t, time.Minute, s.drain())
		require.Equal(t, 16, s.pending())
	})
}

// On a fake clock pauses wait until it moves, and few waits stay behind in the clock.
func TestDrainOnAFakeClock(t *testing.T) {
	mock := clock.NewMock()
	s := newScriptOn(t, mock, 1, func(_ context.Context, _ string, attempt int) error {
		if attempt < 8 {
			return errNotNow
		}
		return nil
	})
	s.add("a")
	drained := make(chan error)
	go func() {
		_, err := s.Drain(t.Context())
		drained <- err
	}()
	for s.pending() > 0 {
		mock.Add(10 * time.Millisecond)
	}
	require.NoError(t, <-drained)
	require.Less(t, mock.Since(time.Unix(0, 0)), time.Hour)
}

// drain has a Drain do the tasks that are left, from now on, and returns when it ends.
func (m *model) drain(now time.Duration, workers int) (end time.Duration) {
	m.advance(now)
	for _, t := range m.tasks {
		if !t.running {
			t.ready = min(t.ready, now)
		}
	}
	for ; ; now = m.nextMoment(now) {
		m.advance(now)
		maps.DeleteFunc(m.frees, func(_ int, at time.Duration) bool { return at <= now })
		if !slices.ContainsFunc(m.tasks, func(t *task) bool { return !t.done() }) {
			return now
		}
		for i := m.next(now); i >= 0 && len(m.frees) < workers; i = m.next(now) {
			m.start(i, now)
		}
	}
}

// Some Sweeps, then a Drain: it makes the tries that the model makes, at its moments.
func TestModelOfDrain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, rnd := drawModel(rt)
		workers := rapid.IntRange(1, 5).Draw(rt, "workers")
		moments := drawMoments(rt, rnd)
		var got []start
		var began, end time.Duration
		bubble(t, func(t *testing.T) {
			r := newReplay(t, m.tasks, workers)
			for _, moment := range moments {
				r.sleepUntil(moment)
				r.sweep()
			}
			r.added.Wait()
			time.Sleep(time.Nanosecond)
			began = time.Since(r.began)
			r.drain()
			end = time.Since(r.began)
			require.Zero(t, r.pending())
			got = r.starts
		})
		m.sweepAt(moments)
		require.Equal(rt, m.drain(began, workers), end)
		require.ElementsMatch(rt, m.starts, got) // tries that begin at one moment have no order
	})
}
