package hostweb_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// A held clock keeps those that ask it for the time, while it is told to, up to a number: it is
// what the test can block in the middle of an answer.
type heldClock struct {
	clock.Clock
	most atomic.Int64
	now  atomic.Int64
	free chan struct{}
}

func (c *heldClock) Now() time.Time {
	if c.now.Add(1) <= c.most.Load() {
		<-c.free
	}
	return c.Clock.Now()
}

// holdTurns returns a handler of which so many requests at most are kept in the middle of an answer,
// of which each asks for the time once.
func holdTurns(t *testing.T, most int64) (*hostweb.Handler[string], *heldClock) {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	c := &heldClock{Clock: clock.System(), free: make(chan struct{})}
	h := &hostweb.Handler[string]{Registry: r, Clock: c}
	c.most.Store(most)
	return h, c
}

// Answers are made four at a time, whatever the number of requests; the others wait, and are
// answered when their turn comes.
func TestAnswersAreMadeFourAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := holdTurns(t, 1000)
		var wg sync.WaitGroup
		var answered atomic.Int64
		for range 100 {
			wg.Go(func() {
				if do(h, http.MethodGet, "/api/history").Code == http.StatusOK {
					answered.Add(1)
				}
			})
		}
		synctest.Wait()
		require.EqualValues(t, 4, c.now.Load())
		close(c.free)
		wg.Wait()
		require.EqualValues(t, 100, answered.Load())
	})
}

// A request whose turn does not come is refused in time, whatever it is for, and one whose client
// is gone waits no longer.
func TestAnAnswerWaitsForItsTurn(t *testing.T) {
	for _, target := range []string{"/", "/api/hosts", "/api/stats", "/api/departures", "/api/history", "/app.js"} {
		synctest.Test(t, func(t *testing.T) {
			h, c := holdTurns(t, 4)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { do(h, http.MethodGet, "/api/history") })
			}
			synctest.Wait()
			begun := time.Now()
			w := do(h, http.MethodGet, target)
			require.Equal(t, http.StatusServiceUnavailable, w.Code, target)
			require.NotEmpty(t, w.Header().Get("Retry-After"), target)
			require.Equal(t, 5*time.Second, time.Since(begun), target)

			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			w = httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx))
			require.Equal(t, http.StatusServiceUnavailable, w.Code, target)
			require.Equal(t, 6*time.Second, time.Since(begun), target)

			close(c.free)
			wg.Wait()
			require.Equal(t, http.StatusOK, do(h, http.MethodGet, target).Code, target)
		})
	}
}

// Those that wait are bounded, too: each holds what its answer is made of.
func TestTheLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := holdTurns(t, 4)
		var wg sync.WaitGroup
		var refused atomic.Int64
		for range 1000 {
			wg.Go(func() {
				if do(h, http.MethodGet, "/api/history").Code == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		require.EqualValues(t, 1000-4-512, refused.Load())
		close(c.free)
		wg.Wait()
		require.EqualValues(t, 1000-4-512, refused.Load())
	})
}

// A Describe that hangs has all wait for the one pass that calls it; when it goes on all are answered.
func TestADescribeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "h", Interval: time.Minute})
		require.NoError(t, err)
		var calls atomic.Int64
		free := make(chan struct{})
		h := &hostweb.Handler[string]{Registry: r, Describe: func(string) string {
			calls.Add(1)
			<-free
			return ""
		}}
		var wg sync.WaitGroup
		var answered atomic.Int64
		for range 100 {
			wg.Go(func() {
				if do(h, http.MethodGet, "/?size=200").Code == http.StatusOK {
					answered.Add(1)
				}
			})
		}
		synctest.Wait()
		require.EqualValues(t, 1, calls.Load())
		close(free)
		wg.Wait()
		require.EqualValues(t, 100, answered.Load())
	})
}
