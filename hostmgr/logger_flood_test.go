package hostmgr_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A tally counts the lines of each message, and the lines that they stand for.
type tally struct {
	mu    sync.Mutex // guards the rest
	lines map[string]int
	all   map[string]uint64
}

func (t *tally) logger() *slog.Logger {
	t.lines, t.all = map[string]int{}, map[string]uint64{}
	return slog.New(lineHandler(func(l slog.Record) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.lines[l.Message]++
		t.all[l.Message] += 1 + more(l)
		return nil
	}))
}

func (t *tally) of(message string) (lines int, all uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines[message], t.all[message]
}

// sum returns the number of all lines.
func (t *tally) sum() (lines int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.lines {
		lines += n
	}
	return lines
}

// A database is away for ten minutes while thousands of hosts die: there are at most 100 lines, not
// one for each failure, and each failure is in one of them (influxdata/influxdb#1896).
func TestAFloodOfFailuresIsSummarised(t *testing.T) {
	hosts := times(3_000, 10_000)
	synctest.Test(t, func(t *testing.T) {
		var log tally
		back := time.Now().Add(10 * time.Minute)
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger: log.logger(),
			Cleanup: func(context.Context, hostmgr.Departure[string]) error {
				if time.Now().Before(back) {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range hosts {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Second})
			require.NoError(t, err)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		early, _ := log.of("cleanup failed")
		require.Equal(t, 1, early, "the first failure is told at once")
		time.Sleep(11 * time.Minute)
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
		lines, all := log.of("cleanup failed")
		require.Greater(t, all, uint64(10*hosts))
		require.Equal(t, r.Stats().Cleanup.Failures, all, "lines + more")
		require.LessOrEqual(t, lines, 66)
		require.LessOrEqual(t, log.sum(), 100, log.lines)
		ends, _ := log.of("cleanups succeed again")
		require.Equal(t, 1, ends)
		evictions, _ := log.of("evicted hosts")
		require.Positive(t, evictions)
		require.Zero(t, r.Stats().LogLinesLost)
	})
}

// Driven by hand too, by the clock of the registry. The end of a flood is told by a later Sweep.
func TestAFloodOfFailuresIsSummarisedByHand(t *testing.T) {
	var log tally
	away := true
	s := newScript(t, hostmgr.Config[string]{Logger: log.logger(), Cleanup: func(context.Context, hostmgr.Departure[string]) error {
		if away {
			return errNotNow
		}
		return nil
	}})
	for i := range 500 {
		s.join(strconv.Itoa(i))
	}
	for range 600 {
		s.after(100 * time.Millisecond)
	}
	away = false
	s.after(time.Minute)
	require.Zero(t, s.Stats().Cleanup.Pending)
	lines, all := log.of("cleanup failed")
	require.Greater(t, all, uint64(1000))
	require.Equal(t, s.Stats().Cleanup.Failures, all, "lines + more")
	require.LessOrEqual(t, lines, 12)
}

// A line of one kind silences no other kind.
func TestAFloodOfOneKindHidesNoOther(t *testing.T) {
	var log tally
	s := newScript(t, hostmgr.Config[string]{
		Logger:  log.logger(),
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			if due[0].ID == "held" {
				return nil, errNotNow
			}
			return due, nil
		},
	})
	for i := range 100 {
		s.join(strconv.Itoa(i))
	}
	s.after(3 * second)
	s.join("held")
	s.after(3 * second)
	lines, _ := log.of("Confirm failed, its hosts are held")
	require.Equal(t, 1, lines)
}

// Run has nothing else to do for hours. What was left out of the log is told in time nonetheless,
// and Next says so without Run.
func TestNothingIsUntoldForLong(t *testing.T) {
	for _, driven := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var log tally
			r, err := hostmgr.New(hostmgr.Config[string]{
				Logger:         log.logger(),
				StallThreshold: -1,
				Policy: policyFunc(func(h hostmgr.History) (time.Duration, time.Duration) {
					return -1, time.Hour
				}),
			})
			require.NoError(t, err)
			if driven {
				stop := run(t, r)
				defer stop()
			}
			for i := range 10 {
				_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour + time.Duration(i)})
				require.NoError(t, err)
			}
			if !driven {
				at, ok := r.Next()
				require.True(t, ok)
				time.Sleep(time.Until(at))
				r.Sweep(t.Context())
			}
			time.Sleep(2 * time.Second)
			_, all := log.of("invalid policy answer, using Fixed(2) instead")
			require.EqualValues(t, 10, all)
		})
	}
}

// At the end of Run the failures of its last second are told.
func TestTheEndOfRunTellsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tally
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:  log.logger(),
			Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 10 {
			id := strconv.Itoa(i)
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
			require.ErrorIs(t, r.Leave(t.Context(), id, 0), hostmgr.ErrCleanupPending)
		}
		stop()
		lines, all := log.of("cleanup failed")
		require.Equal(t, 2, lines)
		require.EqualValues(t, 10, all)
	})
}
