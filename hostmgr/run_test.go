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

// Only a planned wakeup wakes this Run. A heartbeat of a suspect makes its next deadline earlier,
// from the eviction to the next suspicion. So it must change the plan.
func TestRunFollowsTheHeartbeatOfASuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{StallThreshold: -1, Policy: hostmgr.Tiered{}})
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
		require.Zero(t, r.Stats().Suspects, "at exactly its timeout")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, 1, r.Stats().Suspects)
		stop()
	})
}

func TestRunFollowsAShorterInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{StallThreshold: -1})
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

// Run waits by its clock. If the clock steps back, the next call wakes Run.
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

// An overtaken clock lets time pass during a reading, so the reading is old when it returns.
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

// Since is a reading too. That of the FakeClock would not call meanwhile.
func (o *overtaken) Since(t time.Time) time.Duration { return o.Now().Sub(t) }

// A reading that other readings overtook is not a step back: time must not move because of it.
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
		mock.Advance(1500 * time.Millisecond) // more than a step back that is waited out
		announce("other")
		mock.meanwhile = overtake
	}
	mock.meanwhile = overtake
	_, err = r.Heartbeat("b", 0)
	mock.meanwhile = nil
	require.NoError(t, err)
	require.NotZero(t, readings)
	mock.Advance(2*second - mock.Now().Sub(start))
	require.Zero(t, r.Sweep(context.Background()).Evicted, "at exactly a's timeout")
	mock.Advance(1)
	require.Equal(t, 2, r.Sweep(context.Background()).Evicted, "a and also b, whose contact is the begin of its heartbeat")
}

// The stall threshold of Run ends with Run: swept by hand, no gap is a stall again. The stall under
// Run is logged.
func TestTheStallThresholdOfRunEndsWithRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, said := logs()
		r, err := hostmgr.New(hostmgr.Config[string]{Logger: logger})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		run(t, r)()
		require.Contains(t, said.String(), `level=WARN msg="the registry was stalled" stall_time=1h0m0s`)

		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(3 * second)
		rep := r.Sweep(t.Context())
		require.Zero(t, rep.StallTime)
		require.Equal(t, 1, rep.Evicted)
	})
}
