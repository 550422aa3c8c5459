package calls_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

// A call that ignores its context keeps the goroutine that waits for the limit and 10 s.
func TestWaitEndsThoughACallHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(clock.System(), 8)
		start, open := time.Now(), make(chan struct{})
		require.True(t, s.try(t.Context(), "hangs", func(context.Context) { <-open }))
		require.Equal(t, 40*second, time.Since(start))
		require.False(t, s.try(t.Context(), "heeds its context", func(ctx context.Context) { <-ctx.Done() }))
		require.Equal(t, 70*second, time.Since(start))
		close(open)
		synctest.Wait()
		require.Equal(t, calls.Stats{Timeouts: 2}, s.Stats())
	})
}

// The context of the goroutine that waits ends: 10 s later it waits no longer. This holds also if
// the context had ended when the call began.
func TestWaitEndsAfterItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(clock.System(), 8)
		start, open := time.Now(), make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*second)
		defer cancel()
		require.True(t, s.try(ctx, "hangs", func(context.Context) { <-open }))
		require.Equal(t, 13*second, time.Since(start))
		require.True(t, s.try(ctx, "hangs too", func(context.Context) { <-open }))
		require.Equal(t, 23*second, time.Since(start))
		close(open)
		synctest.Wait()
		require.Zero(t, s.Stats())
	})
}

// A goroutine waits for calls that are made one after the other, and its context ends between two.
func TestWaitForManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(clock.System(), 8)
		start, open := time.Now(), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		p := s.NewPlace(ctx, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				p.Begin("call")
				time.Sleep(second)
				p.End()
			}
			cancel()
			time.Sleep(second)
			p.Begin("hangs")
			<-open
			p.End()
		}()
		p.Wait(done)
		require.Equal(t, 111*second, time.Since(start))
		close(open)
		<-done
	})
}

// Calls come and go while a clock stands still: they leave at most one After for each limit behind.
func TestFewAftersArePending(t *testing.T) {
	mock := clock.NewMock()
	s := newScript(mock, 8)
	for i := range 20_000 {
		ctx, cancel := context.WithCancel(t.Context())
		s.try(ctx, i, func(context.Context) {
			if i%2 == 0 {
				cancel()
			}
		})
		cancel()
		if i%100 == 0 {
			mock.Add(second)
		}
		require.LessOrEqual(t, s.pending(), 2)
	}
	require.Less(t, len(s.afters), 50)
}

// Many goroutines wait for calls that hang, heed their contexts or return. Each is left in time,
// whichever of the others have returned before.
func TestManyWaitAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(clock.System(), 10_000)
		var wg sync.WaitGroup
		open := make(chan struct{})
		for i := range 600 {
			began, after := time.Now(), time.Duration(i%7)*11*second
			ctx, cancel := context.WithCancel(t.Context())
			if i%3 == 0 {
				time.AfterFunc(after, cancel)
			}
			wg.Go(func() {
				defer cancel()
				left := s.try(ctx, i, func(ctx context.Context) {
					switch i % 4 {
					case 0:
						<-open
					case 1:
						<-ctx.Done()
					}
				})
				ends := 30 * second
				if i%3 == 0 {
					ends = min(ends, after)
				}
				want := map[int]time.Duration{0: ends + 10*second, 1: ends}[i%4]
				if took := time.Since(began); took != want || left != (i%4 == 0) {
					t.Errorf("call %d took %v, not %v; left behind: %v", i, took, want, left)
				}
			})
			time.Sleep(time.Duration(i%5) * 10 * time.Millisecond)
		}
		wg.Wait()
		require.Equal(t, 150, s.Stats().LeftBehind)
		require.LessOrEqual(t, s.pending(), 2)
		close(open)
		synctest.Wait()
		require.Zero(t, s.Stats().Running)
	})
}

// Beyond the number that may be left behind a goroutine waits, until another call returns.
func TestWaitBeyondTheNumberLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(clock.System(), 1)
		start, open := time.Now(), make(chan struct{})
		require.True(t, s.try(t.Context(), 0, func(context.Context) { <-open }))
		time.AfterFunc(time.Hour, func() { close(open) })
		hang := make(chan struct{})
		require.True(t, s.try(t.Context(), 1, func(context.Context) { <-hang }))
		require.Equal(t, time.Hour+40*second, time.Since(start))
		close(hang)
	})
}

// A fake clock steps back while nothing waits: the next limit does not become longer.
func TestAnAlarmIsSetAgainAfterAStepBack(t *testing.T) {
	mock := clock.NewMock()
	mock.Set(time.Unix(1_000_000, 0))
	s := newScript(mock, 8)
	require.False(t, s.try(t.Context(), 0, func(context.Context) {}))
	mock.Set(time.Unix(0, 0))
	begun := make(chan struct{})
	returned := make(chan bool)
	go func() {
		returned <- s.try(t.Context(), 1, func(ctx context.Context) {
			close(begun)
			<-ctx.Done()
		})
	}()
	<-begun
	require.NoError(t, mock.BlockUntil(t.Context(), 2)) // one is left from before
	mock.Add(30 * second)
	require.False(t, <-returned)
}
