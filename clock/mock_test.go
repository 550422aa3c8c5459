package clock_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
)

// at is a time d after the one at which a Mock starts.
func at(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }

// arrived returns what c holds; it doesn't wait.
func arrived(c <-chan time.Time) (time.Time, bool) {
	select {
	case now := <-c:
		return now, true
	default:
		return time.Time{}, false
	}
}

func requireArrived(t *testing.T, c <-chan time.Time, want time.Time) {
	t.Helper()
	got, ok := arrived(c)
	require.True(t, ok, "nothing arrived")
	require.Equal(t, want, got)
}

func requirePending(t *testing.T, c <-chan time.Time) {
	t.Helper()
	got, ok := arrived(c)
	require.False(t, ok, "arrived at %v", got)
}

func TestMockAfter(t *testing.T) {
	m := clock.NewMock()
	require.Equal(t, at(0), m.Now())
	three, two := m.After(3*time.Second), m.After(2*time.Second)

	m.Add(2*time.Second - 1)
	requirePending(t, two)

	m.Add(1)
	requireArrived(t, two, at(2*time.Second))
	requirePending(t, three)

	m.Add(time.Hour)
	requireArrived(t, three, at(3*time.Second)) // the time of its deadline, not of where Add ends
	require.Equal(t, at(time.Hour+2*time.Second), m.Now())

	m.Add(time.Hour)
	requirePending(t, two)
	requirePending(t, three)
}

func TestMockAfterNothingIsReady(t *testing.T) {
	m := clock.NewMock()
	m.Add(time.Second)
	for _, d := range []time.Duration{0, -1, -time.Hour} {
		requireArrived(t, m.After(d), at(time.Second))
	}
	requireNotParked(t, m, 1)
}

func TestMockSet(t *testing.T) {
	m := clock.NewMock()
	c := m.After(time.Second)

	m.Set(at(-time.Hour))
	require.Equal(t, at(-time.Hour), m.Now())
	requirePending(t, c)

	m.Set(at(time.Second))
	requireArrived(t, c, at(time.Second))
}

// requireNotParked fails if n waiters are parked.
func requireNotParked(t *testing.T, m *clock.Mock, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, m.BlockUntil(ctx, n), context.Canceled)
}

func TestMockBlockUntilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := clock.NewMock()
		m.After(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()

		require.NoError(t, m.BlockUntil(ctx, 0))
		require.NoError(t, m.BlockUntil(ctx, 1))
		require.ErrorIs(t, m.BlockUntil(ctx, 2), context.DeadlineExceeded)
	})
}

// Many goroutines sleep again and again. Moved only when all are parked, the time passes for each
// exactly as it asked for, however the goroutines are scheduled.
func TestMockManyGoroutines(t *testing.T) {
	const goroutines, rounds = 50, 20
	m := clock.NewMock()
	var woken [goroutines][]time.Time
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range rounds {
				<-m.After(time.Second)
				woken[i] = append(woken[i], m.Now())
			}
		})
	}
	for range rounds {
		require.NoError(t, m.BlockUntil(t.Context(), goroutines))
		m.Add(time.Second)
	}
	wg.Wait()
	for i := range goroutines {
		for round, now := range woken[i] {
			require.Equal(t, at(time.Duration(round+1)*time.Second), now)
		}
	}
}

// Afters that are made while the time moves neither block nor get lost. With benbjohnson's own
// After this test hangs: two goroutines tick the same timer.
func TestMockAfterWhileTimeMoves(t *testing.T) {
	const goroutines, rounds = 8, 100
	m := clock.NewMock()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range rounds {
				<-m.After(time.Millisecond)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		default:
			m.Add(time.Millisecond)
		}
	}
}

// The longest durations neither wrap around nor fire early, wherever the time stands.
func TestMockWithTheLongestDurations(t *testing.T) {
	m := clock.NewMock()
	requireArrived(t, m.After(math.MinInt64), at(0))
	for range 3 { // 876 years, more than a duration can say
		begin := m.Now()
		c := m.After(math.MaxInt64)
		m.Add(math.MaxInt64 - 1)
		requirePending(t, c)
		m.Add(1)
		requireArrived(t, c, begin.Add(math.MaxInt64))
	}
	require.Equal(t, time.Duration(math.MaxInt64), m.Since(at(0)), "as much as there is")

	c, now := m.After(time.Second), m.Now()
	m.Add(math.MinInt64)
	requirePending(t, c)
	m.Set(now.Add(time.Second))
	requireArrived(t, c, now.Add(time.Second))
}
