package hostweb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// turn is how long a scan of a sluggish registry takes, with the pause after it.
const turn = 200 * time.Millisecond

// sluggishSite is a page each of whose scans takes 100 ms, in a bubble.
func sluggishSite(t *testing.T) *hostweb.Handler[string] {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: sluggish{}})
	require.NoError(t, err)
	return &hostweb.Handler[string]{Registry: r}
}

// deepQuery is a query that needs a scan of its own: two of them do not fit into one.
func deepQuery(i int) string { return fmt.Sprintf("search=%d&size=200&page=300", i) }

// Queries that need scans of their own are answered in the order in which they came.
func TestTheQueryThatWaitsLongestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sluggishSite(t)
		const n = 40
		answered := make([]time.Time, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				at(t, h, deepQuery(i))
				answered[i] = time.Now()
			})
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		wg.Wait()
		for i := range n - 1 {
			require.True(t, answered[i].Before(answered[i+1]), "query %d was answered after query %d", i, i+1)
		}
	})
}

// Clients that are gone cost no scans, and delay no other ones.
func TestQueriesOfClientsThatAreGoneAreNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sluggishSite(t)
		ctx, gone := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		ask := func(ctx context.Context, query string) {
			wg.Go(func() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/hosts?"+query, nil).WithContext(ctx))
			})
			synctest.Wait()
		}
		for i := range 100 {
			ask(ctx, deepQuery(i))
		}
		begun := time.Now()
		ask(t.Context(), deepQuery(100))
		gone()
		wg.Wait()
		require.LessOrEqual(t, time.Since(begun), 2*turn)
	})
}

// The number of requests that wait for scans is bounded. Further ones are told to come back.
func TestRequestsThatWaitForAScanAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sluggishSite(t)
		ctx, gone := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 512 {
			wg.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/hosts?"+deepQuery(i), nil).WithContext(ctx))
			})
		}
		synctest.Wait()
		for _, target := range []string{"/api/hosts?search=x", "/?search=x"} {
			w := do(h, http.MethodGet, target)
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
		}
		gone()
		wg.Wait()
		require.Equal(t, http.StatusOK, do(h, http.MethodGet, "/api/hosts?search=x").Code)
	})
}

// Random clients, of which some give up: none that stays waits for more than the queries that were
// there when it came.
func TestNoQueryStarvesAmongRandomOnes(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			h, rnd := sluggishSite(t), rand.New(rand.NewPCG(seed, 0))
			var wg sync.WaitGroup
			var mu sync.Mutex // guards waiting
			waiting := 0
			enter := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				waiting += n
				return waiting
			}
			for i := range 200 {
				query, patience := deepQuery(i), time.Hour
				if rnd.IntN(2) == 0 {
					query = fmt.Sprint("search=", i)
				}
				if rnd.IntN(4) == 0 {
					patience = time.Duration(rnd.Int64N(int64(20 * turn)))
				}
				wg.Go(func() {
					ahead, begun := enter(1), time.Now()
					defer enter(-1)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/hosts?"+query, nil).WithContext(ctx))
					require.LessOrEqual(t, time.Since(begun), time.Duration(ahead+1)*turn)
				})
				time.Sleep(time.Duration(rnd.Int64N(int64(turn))))
			}
			wg.Wait()
		})
	}
}
