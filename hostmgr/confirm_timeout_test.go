package hostmgr_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// joins announces hosts with an interval of a second.
func joins(t testing.TB, r *hostmgr.Registry[string], ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
		require.NoError(t, err)
	}
}

// A safeText can be read while a logger writes to it.
type safeText struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (s *safeText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *safeText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The first call of Confirm hangs for good. Its hosts are asked about again after those that waited
// meanwhile, and all are evicted. It is counted and logged while it hangs.
func TestAHungConfirmHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		hang := make(chan struct{})
		var said safeText
		logger := slog.New(slog.NewTextHandler(&said, nil))
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger: logger,
			Confirm: func(ctx context.Context, due hosts) (hosts, error) {
				if calls.Add(1) == 1 {
					<-hang
				}
				return due, nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		joins(t, r, "hung")
		time.Sleep(2*second + 2) // Confirm is asked after more than 2 s
		joins(t, r, "other")
		time.Sleep(10*second - 2)
		s := r.Stats()
		require.Equal(t, [2]int{1, 1}, [2]int{s.Confirm.Waiting, s.Confirm.Asked})
		require.EqualValues(t, 1, s.HeldByConfirm)
		require.Zero(t, s.ConfirmFailures)

		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		s = r.Stats()
		require.EqualValues(t, 1, s.ConfirmFailures)
		require.EqualValues(t, 1, s.Confirm.Timeouts)
		require.Equal(t, 1, s.Confirm.Asked)
		require.Contains(t, said.String(), `level=ERROR msg="Confirm has not returned in time, its hosts are held" hosts=1 limit=10s`)
		require.NotContains(t, said.String(), "left behind")

		time.Sleep(10 * second)
		synctest.Wait()
		require.Contains(t, said.String(), `level=ERROR msg="Confirm is left behind, it has not returned 10 s after its context ended" hosts=1`)
		require.Equal(t, int32(2), calls.Load())
		_, ok := r.Get("other")
		require.False(t, ok)
		h, ok := r.Get("hung")
		require.True(t, ok)
		require.Equal(t, "Confirm timed out", h.Hold.String())

		time.Sleep(second)
		require.Zero(t, r.Len(), "the hosts of the call are asked about again")
		s = r.Stats()
		require.Equal(t, 1, s.Confirm.LeftBehind)
		close(hang)
		synctest.Wait()
		s = r.Stats()
		require.Zero(t, s.Confirm.LeftBehind)
		require.EqualValues(t, 1, s.ConfirmFailures)
		require.EqualValues(t, 2, s.Departures.Evicted)
		stop()
	})
}

// Confirm hangs each time. At most 8 calls are left behind. When one of them returns, Confirm is
// asked again at once.
func TestAtMost8ConfirmsAreLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		hang := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) {
			calls.Add(1)
			<-hang
			return nil, nil
		}})
		require.NoError(t, err)
		stop := run(t, r)
		joins(t, r, "a", "b")
		time.Sleep(time.Hour)
		s := r.Stats()
		require.Equal(t, [4]int{8, 8, 0, 2}, [4]int{int(calls.Load()), s.Confirm.LeftBehind, s.Confirm.Asked, s.Confirm.Waiting})
		require.EqualValues(t, 2, s.HeldByConfirm)
		require.Equal(t, 2, r.Sweep(t.Context()).Held)
		hang <- struct{}{}
		synctest.Wait()
		s = r.Stats()
		require.Equal(t, [4]int{9, 7, 2, 0}, [4]int{int(calls.Load()), s.Confirm.LeftBehind, s.Confirm.Asked, s.Confirm.Waiting})
		close(hang)
		stop()
	})
}

// Whatever a call returns after its limit is ignored: before it is left behind, and after.
func TestAnAnswerAfterTheLimitIsIgnored(t *testing.T) {
	for what, took := range map[string]time.Duration{"late": 11 * second, "left behind": 50 * second} {
		for answers, confirms := range map[string]bool{"allowed": false, "refused": true} {
			t.Run(what+" "+answers, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var calls atomic.Int32
					r, err := hostmgr.New(hostmgr.Config[string]{
						StallThreshold: -1,
						Confirm: func(_ context.Context, due hosts) (hosts, error) {
							first := calls.Add(1) == 1
							if first {
								time.Sleep(took)
							}
							if first == confirms {
								return nil, nil
							}
							return due, nil
						},
					})
					require.NoError(t, err)
					joins(t, r, "a")
					time.Sleep(3 * second)
					began := time.Now()
					rep := r.Sweep(t.Context())
					require.Equal(t, min(took, 20*second), time.Since(began))
					require.Equal(t, [2]int{0, 1}, [2]int{rep.Evicted, rep.Held})
					h, _ := r.Get("a")
					require.Equal(t, "Confirm timed out", h.Hold.String())
					rep = r.Sweep(t.Context())
					require.Equal(t, confirms, rep.Evicted == 1)
					joins(t, r, "a")
					time.Sleep(time.Minute)
					require.Equal(t, 1, r.Len())
					require.EqualValues(t, 1, r.Stats().ConfirmFailures)
				})
			})
		}
	}
}

// Driven by hand, a Sweep leaves a call that hangs behind and asks no more. The next Sweep goes on
// with the hosts that waited.
func TestASweepIsKeptByAHungConfirmFor20Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var calls atomic.Int32
		sizes := make(chan int, 10)
		r, err := hostmgr.New(hostmgr.Config[string]{
			StallThreshold: -1,
			Confirm: func(_ context.Context, due hosts) (hosts, error) {
				if sizes <- len(due); calls.Add(1) == 1 {
					<-hang
				}
				return due, nil
			},
		})
		require.NoError(t, err)
		for i := range 1200 {
			joins(t, r, strconv.Itoa(i))
		}
		time.Sleep(3 * second)
		began := time.Now()
		rep := r.Sweep(t.Context())
		require.Equal(t, 20*second, time.Since(began))
		require.Equal(t, [2]int{0, 1200}, [2]int{rep.Evicted, rep.Held})
		s := r.Stats()
		require.Equal(t, [3]int{688, 0, 1}, [3]int{s.Confirm.Waiting, s.Confirm.Asked, s.Confirm.LeftBehind})
		rep = r.Sweep(t.Context())
		require.Equal(t, [2]int{1200, 0}, [2]int{rep.Evicted, rep.Held})
		for _, size := range []int{512, 512, 512, 176} {
			require.Equal(t, size, <-sizes)
		}
		close(hang)
	})
}

// Run waits for 10 s for a Confirm that ignores the end of its context.
func TestRunEndsAlthoughConfirmHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		logger, said := logs()
		r, err := hostmgr.New(hostmgr.Config[string]{StallThreshold: -1, Logger: logger, Confirm: func(context.Context, hosts) (hosts, error) {
			<-hang
			return nil, nil
		}})
		require.NoError(t, err)
		stop := run(t, r)
		joins(t, r, "a", "b")
		time.Sleep(3 * second)
		began := time.Now()
		stop()
		require.Equal(t, 10*second, time.Since(began))
		require.Contains(t, said.String(), "Confirm is left behind")
		s := r.Stats()
		require.EqualValues(t, 1, s.ConfirmFailures)
		require.Equal(t, [4]int{0, 0, 1, 2}, [4]int{int(s.Confirm.Timeouts), s.Confirm.Asked, s.Confirm.LeftBehind, s.Held})
		h, _ := r.Get("a")
		require.Equal(t, "Confirm failed", h.Hold.String())
		close(hang)
	})
}

// The context of a call ends at the limit, and says why.
func TestTheContextOfConfirmEndsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		var took time.Duration
		r, err := hostmgr.New(hostmgr.Config[string]{ConfirmTimeout: 3 * second, StallThreshold: -1, Confirm: func(ctx context.Context, _ hosts) (hosts, error) {
			began := time.Now()
			<-ctx.Done()
			took, cause = time.Since(began), context.Cause(ctx)
			return nil, ctx.Err()
		}})
		require.NoError(t, err)
		joins(t, r, "a")
		time.Sleep(3 * second)
		require.Equal(t, 1, r.Sweep(t.Context()).Held)
		require.Equal(t, 3*second, took)
		require.ErrorIs(t, cause, context.DeadlineExceeded)
		s := r.Stats()
		require.Equal(t, [2]uint64{1, 1}, [2]uint64{s.ConfirmFailures, s.Confirm.Timeouts})

		ctx, cancel := context.WithTimeoutCause(t.Context(), second, errors.New("enough"))
		defer cancel()
		require.Equal(t, 1, r.Sweep(ctx).Held)
		require.Equal(t, second, took)
		require.EqualError(t, cause, "enough")
		s = r.Stats()
		require.Equal(t, [2]uint64{2, 1}, [2]uint64{s.ConfirmFailures, s.Confirm.Timeouts})
		h, _ := r.Get("a")
		require.Equal(t, "Confirm failed", h.Hold.String())
	})
}
