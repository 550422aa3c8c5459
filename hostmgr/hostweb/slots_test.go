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

// A held clock blocks up to a number of callers while the test wants it: so the test can block the making
// of an answer.
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

// holdSlots returns a handler that blocks so many requests at most in the making of an answer. Each
// answer reads the clock once.
func holdSlots(t *testing.T, most int64) (*hostweb.Handler[string], *heldClock) {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	c := &heldClock{Clock: clock.System(), free: make(chan struct{})}
	h := &hostweb.Handler[string]{Registry: r, Clock: c}
	c.most.Store(most)
	return h, c
}

// Four answers are made at a time. The other requests wait for a slot.
func TestAnswersAreMadeFourAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := holdSlots(t, 1000)
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

// A request that gets no slot in time is refused, and one whose client is gone stops waiting.
func TestAnAnswerWaitsForItsTurn(t *testing.T) {
	for _, target := range []string{"/", "/api/hosts", "/api/stats", "/api/departures", "/api/history", "/app.js"} {
		synctest.Test(t, func(t *testing.T) {
			h, c := holdSlots(t, 4)
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

// The number of waiting requests is bounded, because each holds the data of its answer.
func TestTheLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := holdSlots(t, 4)
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
