package cleanup_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

func TestWithoutCleanNothingIsQueued(t *testing.T) {
	s := newScript(t, 1, nil)
	j := s.add("a")
	require.Nil(t, j)
	require.NoError(t, s.Await(t.Context(), j))
	require.Zero(t, s.Stats())
	require.Zero(t, s.sweep())
	require.Equal(t, monotime.Never, s.Next())
	require.Equal(t, monotime.Never, s.Plan(0))
	s.Start(t.Context())()
}

func TestRetriesBackOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var tries []time.Time
		s := newScript(t, 1, func(_ context.Context, _ string, attempt int) error {
			tries = append(tries, time.Now())
			require.Equal(t, len(tries), attempt)
			if attempt < 80 {
				return errNotNow
			}
			return nil
		})
		require.Equal(t, errNotNow, s.leave(t.Context(), "a"))
		for s.Next() < monotime.Never {
			s.sweepAfter(time.Duration(s.Next() - s.clock.Now()))
		}
		var pauses []time.Duration
		for i := 1; i < len(tries); i++ {
			pauses = append(pauses, tries[i].Sub(tries[i-1])/time.Millisecond)
		}
		require.Equal(t, []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600}, pauses[:9])
		require.Equal(t, slices.Repeat([]time.Duration{30000}, 70), pauses[9:], "however often it failed")
		require.Equal(t, cleanup.Stats[string]{Failures: 79}, s.Stats())
		require.Len(t, s.failed, 79)
		require.Equal(t, failure{"a", 79, errNotNow}, s.failed[78])
	})
}

// A fake clock steps back while a job is in its pause: the pause does not become longer.
func TestAClockThatStepsBackDoesNotDelayARetry(t *testing.T) {
	c := clock.NewMock()
	c.Set(time.Unix(1_000_000, 0))
	s := newScriptOn(t, c, 1, func(_ context.Context, _ string, attempt int) error {
		c.Add(20 * second) // that nothing else has seen when the try ends
		if attempt == 1 {
			return errNotNow
		}
		return nil
	})
	s.add("a")
	require.Zero(t, s.sweep())
	c.Set(time.Unix(0, 0))
	s.clock.Now()
	c.Add(100 * time.Millisecond)
	require.Equal(t, 1, s.sweep())
}

func TestStatsShowTheOldestPendingJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		done := map[string]bool{"b": true}
		s := newScript(t, 1, func(_ context.Context, id string, _ int) error {
			if !done[id] {
				return errNotNow
			}
			return nil
		})
		for _, id := range []string{"a", "b", "c"} {
			require.Equal(t, !done[id], s.leave(t.Context(), id) != nil)
		}
		require.Equal(t, cleanup.Stats[string]{Pending: 2, Oldest: "a", Failures: 2}, s.Stats())
		done["a"] = true
		s.sweepAfter(second)
		require.Equal(t, cleanup.Stats[string]{Pending: 1, Oldest: "c", Failures: 3}, s.Stats())
		done["c"] = true
		s.sweepAfter(second)
		require.Equal(t, cleanup.Stats[string]{Failures: 3}, s.Stats())
	})
}

// The duration counts from the due moment, and is told before the job is seen as done.
func TestDurationsAreToldOnceAJobIsDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fail := true
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(second)
			if fail {
				return errNotNow
			}
			return nil
		})
		now := s.clock.Now()
		j := s.Add(work("a", "a", now-int64(time.Minute)), now)
		require.Equal(t, errNotNow, s.Await(t.Context(), j))
		require.Empty(t, s.took)
		fail = false
		require.Equal(t, 1, s.sweepAfter(second))
		require.Equal(t, map[string]time.Duration{"a": 63 * second}, s.took)
	})
}

// A job that failed is served after what was ready before its pause was over, and before what was
// added later.
func TestRetriesAndNewJobsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			order = append(order, fmt.Sprint(id, attempt))
			if id == "bad" {
				return errNotNow
			}
			return nil
		})
		s.add("bad")
		s.sweep() // is ready again after 100 ms
		time.Sleep(50 * time.Millisecond)
		s.add("early")
		time.Sleep(100 * time.Millisecond)
		s.add("late")
		s.sweep()
		require.Equal(t, []string{"bad1", "early1", "bad2", "late1"}, order)
	})
}

// Jobs failed at odd times: each is tried again when its pause is over, whatever the others'
// pauses.
func TestASweepMakesTheRetriesThatAreDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		due := map[string]time.Time{}
		s := newScript(t, 1, func(_ context.Context, id string, attempt int) error {
			if attempt == 1 {
				due[id] = time.Now().Add(100 * time.Millisecond)
				return errNotNow
			}
			require.Equal(t, due[id], time.Now())
			delete(due, id)
			return nil
		})
		rnd := rand.New(rand.NewPCG(8, 9))
		for i := range 300 {
			if i < 200 {
				require.Error(t, s.leave(t.Context(), strconv.Itoa(i)))
			}
			for range rnd.IntN(4) {
				s.sweepAfter(time.Millisecond)
			}
		}
		require.Empty(t, due)
		require.Zero(t, s.pending())
	})
}

type kilobyte = *[1 << 10]byte

// A job's value is released when the job is done, though jobs of its id, or of others, are pending.
func TestWhatIsDoneIsReleased(t *testing.T) {
	fails := map[kilobyte]bool{}
	q := cleanup.New(cleanup.Config[kilobyte]{
		Clean: func(_ context.Context, d kilobyte, _ int) error {
			if fails[d] {
				return errNotNow
			}
			return nil
		},
		Clock: monotime.New(clock.System(), second, func() {}), Limit: 30 * second, Workers: 1,
		Replan: func() {}, Failed: func(kilobyte, int, error) {}, Done: func(kilobyte, int64) {},
	})
	var released []weak.Pointer[[1 << 10]byte]
	for i := range 10 {
		first, second, only := new([1 << 10]byte), new([1 << 10]byte), new([1 << 10]byte)
		fails[second] = true
		released = append(released, weak.Make(first), weak.Make(only))
		q.Add(work(strconv.Itoa(i), first, 0), 0)
		q.Add(work(strconv.Itoa(i), second, 0), 0)
		q.Add(work("only "+strconv.Itoa(i), only, 0), 0)
	}
	require.Equal(t, 20, q.Sweep(t.Context(), func() {}))
	require.Equal(t, 10, q.Stats().Pending)
	runtime.GC()
	for _, p := range released {
		require.True(t, p.Value() == nil)
	}
	runtime.KeepAlive(q)
}

// After a mass departure an empty queue takes no memory.
func TestAnEmptyQueueGivesItsMemoryBack(t *testing.T) {
	s := newScript(t, 1, succeed)
	s.Queue = cleanup.New(cleanup.Config[string]{
		Clean: succeed, Clock: s.clock, Limit: 30 * second, Workers: 1,
		Replan: func() {}, Failed: s.fail, Done: func(string, int64) {},
	})
	before := heapInUse()
	const many = 100_000
	for i := range many {
		s.add(strconv.Itoa(i))
	}
	require.Greater(t, heapInUse(), before+many*100)
	require.Equal(t, many, s.sweep())
	require.Less(t, heapInUse(), before+1<<16)
	runtime.KeepAlive(s)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
