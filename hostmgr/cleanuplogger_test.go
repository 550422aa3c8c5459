package hostmgr_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

const again = "cleanups succeed again"

// The end of failures is told, after the last of them, when each cleanup that failed has succeeded.
func TestTheEndOfFailuresIsTold(t *testing.T) {
	failsFor := func(attempts int) func(context.Context, hostmgr.Departure[string]) error {
		return func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt <= attempts*len(d.Host.ID) {
				return errNotNow
			}
			return nil
		}
	}
	for name, end := range map[string]func(*script){
		"by a sweep": func(s *script) { s.after(time.Minute); s.after(time.Minute) },
		"by Drain":   func(s *script) { s.clock.Advance(time.Minute); require.NoError(s.t, s.Drain(s.t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			logger, said := logs()
			s := newScript(t, hostmgr.Config[string]{Logger: logger, Cleanup: failsFor(1)})
			for _, id := range []string{"a", "b", "cc"} {
				s.join(id)
			}
			s.after(3 * second)
			s.after(150 * time.Millisecond) // a and b succeed, cc fails
			require.Equal(t, 1, s.Stats().Cleanup.Pending)
			require.NotContains(t, said.String(), again)
			end(s)
			lines := strings.Split(strings.TrimSpace(said.String()), "\n")
			require.Contains(t, lines[len(lines)-2], "cleanup failed")
			require.Contains(t, lines[len(lines)-1], again)
			require.Contains(t, lines[len(lines)-1], "failures=4 after=")
			require.Equal(t, 1, strings.Count(said.String(), again))
		})
	}
}

// Under Run the end is told at once, though there is nothing else to do.
func TestTheEndOfFailuresIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := book{message: again}
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger: log.logger(), StallThreshold: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				time.Sleep(10 * time.Millisecond) // in which Run begins to wait
				if d.Attempt < 3 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		defer stop()
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Leave(t.Context(), "a", 0), hostmgr.ErrCleanupPending)
		for r.Stats().Cleanup.Pending > 0 {
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		require.Equal(t, []int{2}, log.numbers("failures"))
	})
}

// Each cleanup fails once. Of all the failures and their ends there are few lines, and each failure
// is in one.
func TestCleanupsThatFailNowAndThenHaveFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, failed := book{message: again}, tally{}
		all := failed.logger().Handler()
		ends := log.logger().Handler()
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger: both(all, ends),
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Attempt == 1 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 600 {
			id := strconv.Itoa(i)
			_, err = r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
			require.ErrorIs(t, r.Leave(t.Context(), id, 0), hostmgr.ErrCleanupPending)
			time.Sleep(time.Second)
		}
		stop()
		require.EqualValues(t, 600, r.Stats().Cleanup.Failures)
		require.Equal(t, 600, sum(log.numbers("failures")))
		require.LessOrEqual(t, len(log.numbers("failures")), 66)
		lines, told := failed.of("cleanup failed")
		require.EqualValues(t, 600, told)
		require.LessOrEqual(t, lines, 132)
	})
}
