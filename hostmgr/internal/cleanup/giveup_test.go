package cleanup_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// A host departs again and again, and its cleanup never succeeds: at most sixteen are pending. The
// latest are, and the pauses go on growing.
func TestPendingJobsOfOneIDAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		tries := 0
		s := newScript(t, 1, func(context.Context, string, int) error {
			tries++
			return errNotNow
		})
		stop := s.run()
		for i := range 1000 {
			now := s.clock.Now()
			s.Add(work("a", strconv.Itoa(i), now), now)
			s.Wake()
			time.Sleep(second)
			require.Equal(t, min(i+1, 16), s.pending())
		}
		stop()
		require.EqualValues(t, 984, s.Stats().GivenUp)
		require.Equal(t, "984", s.Stats().Oldest)
		require.Len(t, s.reports(), 984)
		require.Equal(t, "given up 0", s.reports()[0])
		require.Less(t, tries, 50, "one each 30 s")
	})
}

// The job that runs is not given up. An Await of the one that is returns, and says why.
func TestTheOldestThatIsNotRunningIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open, tries := make(chan struct{}), 0
		s := newScript(t, 1, func(context.Context, string, int) error {
			if tries++; tries == 1 {
				return errNotNow
			}
			<-open
			return nil
		})
		defer s.run()()
		require.ErrorIs(t, <-s.leaveAside(t.Context(), "a"), errNotNow)
		time.Sleep(second) // the second try is running
		oldest := s.leaveAside(t.Context(), "a")
		next := s.leaveAside(t.Context(), "a")
		for range 14 {
			s.add("a")
		}
		require.ErrorContains(t, <-oldest, "given up")
		close(open)
		require.NoError(t, <-next)
		synctest.Wait()
		require.Zero(t, s.pending())
		require.Equal(t, []string{"given up a"}, s.reports())
	})
}

// Two thousand jobs fail in one moment, and for ten minutes on. After a few tries they come at
// random times, not in bursts.
func TestRetriesAreSpreadOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many = 2000
		tries := map[time.Duration]int{} // by second
		all := 0
		start := time.Now()
		s := newScript(t, 8, nil)
		s.Queue = cleanup.New(cleanup.Config[string]{
			Clean: func(_ context.Context, _ string, attempt int) error {
				if attempt > 5 {
					tries[time.Since(start).Truncate(second)]++
					all++
				}
				return errNotNow
			},
			Clock: s.clock, Limit: 30 * second, Workers: 8, Replan: func() {}, Failed: func(string, int, error) {},
		})
		for i := range many {
			s.add(strconv.Itoa(i))
		}
		for range 10 * 60 * 5 {
			s.sweepAfter(200 * time.Millisecond)
		}
		require.Greater(t, all, 40_000)
		for at, n := range tries {
			require.Less(t, n, all/25, at)
		}
	})
}

// Each pause is at least half of the longest one.
func TestPausesAreAtLeastHalf(t *testing.T) {
	mock := clock.NewMock()
	s := newScriptOn(t, mock, 1, nil)
	rnd := rand.New(rand.NewPCG(1, 2))
	var tries []time.Time
	s.Queue = cleanup.New(cleanup.Config[string]{
		Clean: func(context.Context, string, int) error {
			tries = append(tries, mock.Now())
			return errNotNow
		},
		Clock: s.clock, Limit: 30 * second, Workers: 8, Replan: func() {}, Failed: func(string, int, error) {}, Draw: rnd.Int64N,
	})
	s.add("a")
	for range 100 {
		s.sweep()
		mock.Add(time.Duration(s.Next() - s.clock.Now()))
	}
	longest := 100 * time.Millisecond
	for i := range tries[1:] {
		pause := tries[i+1].Sub(tries[i])
		require.GreaterOrEqual(t, pause, longest/2)
		require.LessOrEqual(t, pause, longest)
		longest = min(2*longest, 30*second)
	}
}

// Jobs that only wait for their turn are not given up, however many an id has.
func TestJobsThatWaitForTheirTurnAreNotGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, func(context.Context, string, int) error {
			time.Sleep(second)
			return nil
		})
		stop := s.run()
		for range 100 {
			s.add("a")
			time.Sleep(second / 4)
		}
		synctest.Wait() // a cleanup ends at this very moment
		require.Equal(t, 100-25, s.pending())
		time.Sleep(100 * second)
		stop()
		require.Zero(t, s.pending())
		require.Zero(t, s.Stats().GivenUp)
	})
}

// The cleanup of an id hangs, and was left behind: as if it had failed.
func TestPendingJobsBehindOneThatHangsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open := make(chan struct{})
		s := newScript(t, 1, func(context.Context, string, int) error {
			<-open
			return nil
		})
		stop := s.run()
		for range 100 {
			s.add("a")
		}
		require.Equal(t, 100, s.pending())
		time.Sleep(time.Minute)
		s.add("a")
		require.Equal(t, 16, s.pending())
		close(open)
		stop()
		require.EqualValues(t, 85, s.Stats().GivenUp)
	})
}

// The jobs of an id that fails come faster than the backlog before it is served, so each is given up
// before its turn. The id keeps its place all the same.
func TestAnIDWhoseJobsAreGivenUpKeepsItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		failed := false
		s := newScript(t, 1, func(_ context.Context, id string, _ int) error {
			if id == "busy" && !failed {
				failed = true
				return errNotNow
			}
			time.Sleep(second)
			return nil
		})
		stop := s.run()
		s.add("busy")
		for i := range 100 {
			s.add(strconv.Itoa(i))
		}
		for i := range 200 {
			s.add(strconv.Itoa(100 + i)) // the backlog stays
			for range 5 {
				s.add("busy")
				time.Sleep(200 * time.Millisecond)
			}
		}
		stop()
		require.NotZero(t, s.Stats().GivenUp)
		require.NotZero(t, s.took["busy"])
		require.LessOrEqual(t, s.took["busy"], 102*second)
	})
}
