package cleanup_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

func values(q *cleanup.Queue[string]) (values []string) {
	for t := range q.Pending() {
		values = append(values, t.Value)
	}
	return values
}

// One job failed, one runs, two wait: they are all pending, in the order of Add.
func TestPendingSaysHowFarEachJobIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(_ context.Context, d string, _ int) error {
			if d == "runs" {
				time.Sleep(second)
			}
			return errNotNow
		})
		require.Empty(t, values(s.Queue))
		stop := s.run()
		now := s.clock.Now()
		for i, d := range []string{"failed", "runs", "waits for its id", "waits"} {
			s.Add(cleanup.Task[string]{ID: d[:4], Registration: uint64(i), Value: d, Due: int64(i)}, now)
			s.Wake()
			time.Sleep(10 * time.Millisecond)
		}
		require.Equal(t, []cleanup.Task[string]{
			{ID: "fail", Registration: 0, Value: "failed", Due: 0, Tries: 1},
			{ID: "runs", Registration: 1, Value: "runs", Due: 1, Tries: 1},
			{ID: "wait", Registration: 2, Value: "waits for its id", Due: 2},
			{ID: "wait", Registration: 3, Value: "waits", Due: 3},
		}, slices.Collect(s.Pending()))
		stop()
	})
}

// While a loop goes over many jobs, others come, and jobs before, at and after the loop's place are
// done. Each job that is pending all the time is seen once, and none that came later.
func TestPendingWhileJobsComeAndGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const jobs = 2000
		rnd := rand.New(rand.NewPCG(1, 2))
		done := map[string]bool{}
		s := newScript(t, 1, func(_ context.Context, d string, _ int) error {
			if !done[d] {
				return errNotNow
			}
			return nil
		})
		for i := range jobs {
			s.add(strconv.Itoa(i))
		}
		s.sweep()
		added, seen := jobs, map[string]bool{}
		var order []int
		for task := range s.Pending() {
			require.False(t, seen[task.Value])
			seen[task.Value] = true
			i, _ := strconv.Atoi(task.Value)
			order = append(order, i)
			if len(order)%100 == 0 {
				for range 150 {
					done[strconv.Itoa(rnd.IntN(jobs))] = true
				}
				s.add(strconv.Itoa(added))
				added++
				s.sweepAfter(time.Minute)
			}
		}
		require.True(t, slices.IsSorted(order))
		require.Less(t, order[len(order)-1], jobs)
		for i := range jobs {
			d := strconv.Itoa(i)
			require.True(t, seen[d] || done[d], d)
		}
		require.Less(t, len(seen), jobs)
		for range s.Pending() {
			break
		}
	})
}

// A job that is added once more while it is pending is one job. Its tries go on from those before.
func TestAJobIsAddedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var attempts []int
		s := newScript(t, 1, func(_ context.Context, _ string, attempt int) error {
			if attempts = append(attempts, attempt); attempt < 5 {
				return errNotNow
			}
			return nil
		})
		task := cleanup.Task[string]{ID: "a", Registration: 7, Value: "a", Tries: 2}
		require.True(t, s.AddOnce(task, 0))
		require.True(t, s.Has("a", 7))
		require.False(t, s.Has("a", 8))
		require.False(t, s.Has("b", 7))
		require.False(t, s.AddOnce(task, 0))
		require.Equal(t, []cleanup.Task[string]{task}, slices.Collect(s.Pending()))
		s.sweep()
		require.False(t, s.AddOnce(task, 0))
		s.sweepAfter(second)
		s.sweepAfter(second)
		require.Equal(t, []int{3, 4, 5}, attempts)
		require.True(t, s.AddOnce(task, 0), "it is done")
		task.Registration = 8
		require.True(t, s.AddOnce(task, 0))
		task.Registration = 0
		require.True(t, s.AddOnce(task, 0))
		require.True(t, s.AddOnce(task, 0))
		require.Equal(t, 4, s.pending())
		require.False(t, newScript(t, 1, nil).AddOnce(task, 0))
	})
}
