package hostmgr_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// runOn calls run on a goroutine of its own. stop ends its context, and waits until it has
// returned.
func runOn(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, <-ended)
	}
}

func newOnMock(t *testing.T, cfg hostmgr.Config[string]) (*clock.Mock, *hostmgr.Registry[string]) {
	t.Helper()
	mock := clock.NewMock()
	cfg.Clock = mock
	r, err := hostmgr.New(cfg)
	require.NoError(t, err)
	return mock, r
}

func announceOn(t *testing.T, r *hostmgr.Registry[string], id string, interval time.Duration) {
	t.Helper()
	_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
	require.NoError(t, err)
}

// A day in one Add: each host is evicted right after its timeout, and no gap is a stall.
func TestADayOnAMock(t *testing.T) {
	var silences []time.Duration // no lock: Add waits for cleanups
	mock, r := newOnMock(t, hostmgr.Config[string]{
		CleanupWorkers: 1,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			silences = append(silences, d.Silence-2*d.Host.Interval)
			return nil
		},
	})
	stop := runOn(t, r.Run)
	for i := range 11 {
		announceOn(t, r, strconv.Itoa(i), time.Duration(i+1)*time.Hour)
	}
	mock.Add(24 * time.Hour)
	require.Zero(t, r.Stats().Stalls)
	require.Len(t, silences, 11)
	for _, late := range silences {
		require.LessOrEqual(t, late, 2*time.Nanosecond)
	}
	stop()
}

// An impatient host joins between two moves, and makes Run plan again before the time moves.
func TestAnImpatientHostOnAMock(t *testing.T) {
	for range times(20, 500) {
		mock, r := newOnMock(t, hostmgr.Config[string]{})
		stop := runOn(t, r.Run)
		mock.Add(time.Minute)
		announceOn(t, r, "a", 20*time.Millisecond)
		mock.Add(40 * time.Millisecond)
		require.Equal(t, 1, r.Len())
		mock.Add(1)
		require.Zero(t, r.Len())
		stop()
	}
}

// Callbacks move the time themselves, while the test moves it. Nothing hangs.
func TestCallbacksMayMoveAMock(t *testing.T) {
	var mock *clock.Mock
	handler := slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mock.Add(time.Second)
		return len(p), nil
	}), nil)
	mock, r := newOnMock(t, hostmgr.Config[string]{
		Logger:   slog.New(handler),
		Recorder: writerFunc(func(p []byte) (int, error) { mock.Add(time.Second); return len(p), nil }),
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			mock.Add(time.Second)
			return due, nil
		},
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			mock.Add(time.Second)
			if d.Attempt == 1 {
				return errors.New("try again")
			}
			return nil
		},
	})
	stop := runOn(t, r.Run)
	for i := range 20 {
		announceOn(t, r, strconv.Itoa(i), time.Duration(i+1)*time.Second)
	}
	for r.Len() > 0 || r.Stats().Cleanup.Pending > 0 {
		mock.Add(time.Second)
	}
	stop()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

var _ io.Writer = writerFunc(nil)

// Callbacks wait for the test. Add gives up their holds and goes on, and their time limits apply.
func TestCallbacksThatWaitForTheTest(t *testing.T) {
	release := make(chan struct{})
	mock, r := newOnMock(t, hostmgr.Config[string]{
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			<-release
			return due, nil
		},
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			<-release
			return nil
		},
	})
	stop := runOn(t, r.Run)
	announceOn(t, r, "asked", second)
	announceOn(t, r, "left", second)
	left := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { left <- r.Leave(ctx, "left", 0) }()
	for r.Stats().Cleanup.Running == 0 {
		mock.Add(time.Millisecond)
	}
	mock.Add(time.Minute)
	s := r.Stats()
	require.EqualValues(t, 1, s.Cleanup.Timeouts)
	require.Equal(t, 1, s.Cleanup.LeftBehind)
	require.EqualValues(t, 1, s.HeldByConfirm)
	close(release)
	<-left
	cancel()
	for r.Len() > 0 {
		mock.Add(second)
	}
	stop()
}

// Run ends and begins again while the time moves.
func TestRunEndsWhileAMockMoves(t *testing.T) {
	mock, r := newOnMock(t, hostmgr.Config[string]{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- r.Run(ctx) }()
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}()
	for over := false; !over; {
		mock.Add(second)
		select {
		case <-ended:
			over = true
		default:
		}
	}
	mock.Add(second)
}

// The first Run begins late. The time that passed by Add is silence, and that of Set is not. Later
// Runs have stalls, as in production.
func TestAFirstRunThatBeginsLate(t *testing.T) {
	for name, row := range map[string]struct {
		move func(*clock.Mock)
		left int
	}{
		"Add":         {func(m *clock.Mock) { m.Add(time.Minute) }, 0},
		"Set":         {func(m *clock.Mock) { m.Set(m.Now().Add(time.Minute)) }, 1},
		"Set and Add": {func(m *clock.Mock) { m.Set(m.Now().Add(second)); m.Add(time.Minute) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			mock, r := newOnMock(t, hostmgr.Config[string]{})
			announceOn(t, r, "a", second)
			row.move(mock)
			stop := runOn(t, r.Run)
			require.NoError(t, mock.BlockUntil(t.Context(), 1))
			require.Equal(t, row.left, r.Len())
			stop()

			announceOn(t, r, "b", second)
			mock.Add(time.Minute)
			stop = runOn(t, r.Run)
			require.NoError(t, mock.BlockUntil(t.Context(), 1))
			_, ok := r.Get("b")
			require.True(t, ok, "no Run observed it")
			stop()
		})
	}
}
