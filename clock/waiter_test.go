package clock_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bclock "github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
)

// A worker works every period, and whenever it is woken.
type worker struct {
	*clock.Waiter
	clock  clock.Clock
	period time.Duration
	work   func()
	turns  atomic.Int64
}

func newWorker(c clock.Clock, period time.Duration, work func()) *worker {
	return &worker{Waiter: clock.NewWaiter(c), clock: c, period: period, work: work}
}

func (w *worker) run(ctx context.Context) {
	w.Start()
	defer w.Stop()
	for ctx.Err() == nil {
		w.turns.Add(1)
		w.work()
		select {
		case <-ctx.Done():
		case <-w.Woken():
		case <-w.After(w.period):
		}
	}
}

// run runs workers. stop ends them and waits for them.
func run(t *testing.T, workers ...*worker) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.run(ctx) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// A day in one Add: each of many Waiters has worked at each of its times, and the time has never
// passed while one worked.
func TestAddWaitsForEachWaiter(t *testing.T) {
	m := clock.NewMock()
	var workers []*worker
	for i := range 50 {
		period := time.Duration(i+1) * time.Minute
		var w *worker
		next := at(0)
		w = newWorker(m, period, func() {
			now := m.Now()
			if !now.Equal(next) {
				t.Errorf("worker %d works at %v, not %v", i, now, next)
			}
			next = now.Add(period)
		})
		workers = append(workers, w)
	}
	defer run(t, workers...)()
	m.Add(24 * time.Hour)
	require.Equal(t, at(24*time.Hour), m.Now())
	for i, w := range workers {
		require.EqualValues(t, 1+24*60/(i+1), w.turns.Load(), "worker %d", i)
	}
}

// Set stops nowhere on the way: a Waiter works once, at the end.
func TestSetJumps(t *testing.T) {
	m := clock.NewMock()
	var last time.Time
	w := newWorker(m, time.Minute, func() { last = m.Now() })
	defer run(t, w)()
	m.Add(time.Minute)
	require.EqualValues(t, 2, w.turns.Load())
	m.Set(at(time.Hour))
	require.EqualValues(t, 3, w.turns.Load())
	require.Equal(t, at(time.Hour), last)
	require.False(t, w.Stepped(at(0)))
	require.True(t, w.Stepped(at(time.Hour)))
}

// A Wake makes the Waiter work before the time moves, also if it comes while the Waiter works.
func TestWakeIsWorkedOffBeforeTheTimeMoves(t *testing.T) {
	for range 200 {
		m := clock.NewMock()
		var w *worker
		again := true
		w = newWorker(m, time.Minute, func() {
			if now := m.Now(); !now.Equal(at(0)) {
				t.Errorf("it works at %v", now)
			}
			if w.turns.Load() > 1 && again {
				again = false
				w.Wake()
			}
		})
		stop := run(t, w)
		require.NoError(t, m.BlockUntil(t.Context(), 1))
		w.Wake()
		w.Wake()
		m.Add(time.Minute - 1)
		require.GreaterOrEqual(t, w.turns.Load(), int64(3))
		require.NoError(t, m.BlockUntil(t.Context(), 1))
		requireNotParked(t, m, 2) // the former After is not pending any more
		stop()
		requireNotParked(t, m, 1)
	}
}

// The work moves the time itself, while a test moves it too.
func TestTheWorkMayMoveTheTime(t *testing.T) {
	m := clock.NewMock()
	w := newWorker(m, time.Minute, nil)
	w.work = func() {
		if w.turns.Load() == 2 {
			m.Add(time.Second)
		}
	}
	defer run(t, w)()
	m.Add(time.Minute)
	require.Equal(t, at(time.Minute+time.Second), m.Now())
	m.Add(time.Minute)
	require.EqualValues(t, 3, w.turns.Load())
}

// Waiters end and begin while the time moves.
func TestWaitersComeAndGoWhileTheTimeMoves(t *testing.T) {
	m := clock.NewMock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				w := newWorker(m, time.Second, func() {})
				stop := run(t, w)
				w.Wake()
				stop()
				w.Wake()
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	for over := false; !over; {
		m.Add(time.Second)
		select {
		case <-ended:
			over = true
		default:
		}
	}
	requireNotParked(t, m, 1)
}

// A move waits for what is held, each time that it stops.
func TestAMoveWaitsForAHold(t *testing.T) {
	for range 200 {
		m := clock.NewMock()
		var done []time.Time // no lock: the move is ordered after the release
		w := newWorker(m, time.Minute, nil)
		var others sync.WaitGroup
		w.work = func() {
			release := clock.Hold(m)
			others.Go(func() {
				done = append(done, m.Now())
				release()
			})
		}
		stop := run(t, w)
		m.Add(3 * time.Minute)
		require.Equal(t, []time.Time{at(0), at(time.Minute), at(2 * time.Minute), at(3 * time.Minute)}, done)
		stop()
		others.Wait()
	}
}

// A callback that waits for the goroutine that moves the time does not stop it. Advance says so.
func TestAHoldThatIsNotReleased(t *testing.T) {
	m := clock.NewMock()
	release := clock.Hold(m)
	m.Add(time.Second)
	require.Equal(t, at(time.Second), m.Now())
	require.True(t, m.Advance(time.Second, time.Hour), "it was given up")
	release()

	synctest.Test(t, func(t *testing.T) {
		m := clock.NewMock()
		release := clock.Hold(m)
		begin := time.Now()
		require.False(t, m.Advance(time.Second, time.Minute))
		require.Equal(t, time.Minute+time.Millisecond, time.Since(begin), "with the pause at the end")
		require.Equal(t, at(0), m.Now())
		release()
		require.True(t, m.Advance(time.Second, time.Minute))
		release()
	})
}

// A Waiter that nothing starts holds a move only for a moment.
func TestAWaiterThatNeverStarts(t *testing.T) {
	m := clock.NewMock()
	clock.NewWaiter(m)
	m.Add(time.Second)
	clock.NewWaiter(m)
	require.True(t, m.Advance(time.Second, time.Hour))
	require.Equal(t, at(2*time.Second), m.Now())
}

// With other clocks a Waiter passes its calls on, and Hold does nothing.
func TestAWaiterOfAnotherClock(t *testing.T) {
	theirs := bclock.NewMock()
	w := newWorker(theirs, time.Minute, func() {})
	stop := run(t, w)
	for w.turns.Load() == 0 {
		theirs.Add(0)
	}
	w.Wake()
	for w.turns.Load() < 2 {
		theirs.Add(0)
	}
	clock.Hold(theirs)
	require.False(t, w.Stepped(at(0)))
	stop()
}

// A clock that embeds a Mock, and moves it whenever it is read.
type drifting struct{ *clock.Mock }

func (d drifting) Now() time.Time {
	d.Add(time.Millisecond)
	return d.Mock.Now()
}

func TestAClockThatWrapsAMock(t *testing.T) {
	m := clock.NewMock()
	w := newWorker(drifting{m}, time.Minute, nil)
	w.work = func() { w.clock.Now() }
	defer run(t, w)()
	m.Add(10 * time.Minute)
	require.EqualValues(t, 10, w.turns.Load())
}

// A loop that planned to wake in the future plans again after a step back. Otherwise it would sleep
// until the clock has caught up.
func TestAStepBackWakesTheLoops(t *testing.T) {
	for name, back := range map[string]func(*clock.Mock){
		"Add": func(m *clock.Mock) { m.Add(-time.Hour) },
		"Set": func(m *clock.Mock) { m.Set(m.Now().Add(-time.Hour)) },
	} {
		mock := clock.NewMock()
		w := clock.NewWaiter(mock)
		ctx, cancel := context.WithCancel(t.Context())
		done, turns := make(chan struct{}), 0
		go func() {
			defer close(done)
			w.Start()
			defer w.Stop()
			for ctx.Err() == nil {
				turns++
				select {
				case <-ctx.Done():
				case <-w.Woken():
				case <-w.After(time.Second):
				}
			}
		}()
		mock.Add(10 * time.Second)
		require.Equal(t, 11, turns, name)
		back(mock)
		require.Equal(t, 12, turns, name)
		mock.Add(10 * time.Second)
		require.Equal(t, 22, turns, name)
		cancel()
		<-done
	}
}
