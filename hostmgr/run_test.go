package hostmgr_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

func TestASecondRunIsAnErrorAndALaterOneIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		for range 2 {
			stop := run(t, r)
			require.ErrorIs(t, r.Run(t.Context()), hostmgr.ErrRunning)
			stop()
		}
	})
}

// Nothing but its plan wakes this Run: a beat that brings a deadline forward, from
// the eviction of a suspect to the next suspicion, must change the plan.
func TestRunLearnsOfTheBeatOfASuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{MaxGap: -1, Policy: hostmgr.Tiered{}})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * second})
		require.NoError(t, err)
		time.Sleep(61 * second)
		require.Equal(t, 1, r.Stats().Suspects)
		_, err = r.Heartbeat("a", 0)
		require.NoError(t, err)
		require.Zero(t, r.Stats().Suspects)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, r.Stats().Suspects, "at exactly its patience")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, 1, r.Stats().Suspects)
		stop()
	})
}

func TestRunLearnsOfAShorterInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{MaxGap: -1})
		require.NoError(t, err)
		stop := run(t, r)
		for _, interval := range []time.Duration{time.Hour, second} {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: interval})
			require.NoError(t, err)
			synctest.Wait()
		}
		time.Sleep(2*second + time.Nanosecond)
		synctest.Wait()
		require.Zero(t, r.Len())
		stop()
	})
}

// Run waits by its clock; if that steps back, the next call wakes it.
func TestRunSurvivesAClockThatStepsBack(t *testing.T) {
	mock := clock.NewMock()
	mock.Set(time.Unix(1e9, 0))
	departed := make(chan hostmgr.Departure[string])
	r, err := hostmgr.New(hostmgr.Config[string]{
		Clock: mock,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			departed <- d
			return nil
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	require.NoError(t, mock.BlockUntil(ctx, 1))
	mock.Set(time.Unix(1e9-3600, 0))
	_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
	require.NoError(t, err)
	for {
		require.NoError(t, mock.BlockUntil(ctx, 2)) // the wait that was, and the one that is
		mock.Add(250 * time.Millisecond)
		select {
		case d := <-departed:
			require.LessOrEqual(t, d.Silence, 2250*time.Millisecond)
			cancel()
			require.NoError(t, <-done)
			return
		default:
		}
	}
}

// An overtaken clock is read while others go on: what it reads is old by the time
// that it returns.
type overtaken struct {
	*clockwork.FakeClock
	meanwhile func()
}

func (o *overtaken) Now() time.Time {
	now := o.FakeClock.Now()
	if o.meanwhile != nil {
		o.meanwhile()
	}
	return now
}

// A reading that others overtook is no step back: time must not be moved for it.
func TestAReadingThatWasOvertakenMovesNothing(t *testing.T) {
	mock := &overtaken{FakeClock: clockwork.NewFakeClock()}
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	require.NoError(t, err)
	announce := func(id string) {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
		require.NoError(t, err)
	}
	announce("a")
	announce("b")
	start := mock.Now()
	readings := 0
	var overtake func()
	overtake = func() {
		if readings++; readings > 4 {
			return
		}
		mock.meanwhile = nil
		mock.Advance(100 * time.Millisecond)
		announce("other")
		mock.meanwhile = overtake
	}
	mock.meanwhile = overtake
	_, err = r.Heartbeat("b", 0)
	mock.meanwhile = nil
	require.NoError(t, err)
	mock.Advance(2*second - mock.Now().Sub(start))
	require.Zero(t, r.Sweep(context.Background()).Evicted, "at exactly a's patience")
	mock.Advance(1)
	require.Equal(t, 2, r.Sweep(context.Background()).Evicted, "and b, whose beat was read when it began")
}

// Run takes its limit with it: swept by hand, nothing is excused again. What was a stall
// under Run is logged.
func TestWhatRunExcusesIsNotExcusedAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, said := logs()
		r, err := hostmgr.New(hostmgr.Config[string]{Logger: logger})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		run(t, r)()
		require.Contains(t, said.String(), `level=WARN msg="stall: the registry was not listening" excused=1h0m0s`)

		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(3 * second)
		rep := r.Sweep(t.Context())
		require.Zero(t, rep.Excused)
		require.Equal(t, 1, rep.Evicted)
	})
}
