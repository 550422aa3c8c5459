package hostweb_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// at returns the time of the scan that an answer is from.
func at(t testing.TB, h http.Handler, query string) any {
	t.Helper()
	return read[hostsAnswer](t, h, "/api/hosts?"+query).At
}

func TestAnswersAreShared(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	first := at(t, s.web, "sort=id")
	s.clock.Advance(499 * time.Millisecond)
	require.Equal(t, first, at(t, s.web, "sort=id"))
	require.Equal(t, first, at(t, s.web, "order=asc&sort=id&page=1"), "the same query, written differently")
	second := at(t, s.web, "sort=zone")
	require.NotEqual(t, first, second, "another query is answered at once")
	s.clock.Advance(time.Millisecond)
	require.Equal(t, second, at(t, s.web, "sort=id"), "a query that was asked again is part of the next scan")
	s.clock.Advance(499 * time.Millisecond)
	require.NotEqual(t, second, at(t, s.web, "sort=id"))
	s.clock.Advance(-time.Hour)
	back := at(t, s.web, "sort=id")
	require.Less(t, back.(string), second.(string), "the clock stepped back")
}

// A sluggish clock makes a scan take 100 ms: it is read for the hosts, and for the figures of the
// zones.
type sluggish struct{}

func (sluggish) Now() time.Time                         { return time.Now() }
func (sluggish) After(d time.Duration) <-chan time.Time { return time.After(d) }
func (sluggish) Since(t time.Time) time.Duration {
	time.Sleep(50 * time.Millisecond)
	return time.Since(t)
}

// Concurrent requests share one scan, up to the number of queries that it answers. A request that
// is canceled does not wait.
func TestConcurrentRequestsShareAScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Clock: sluggish{}})
		require.NoError(t, err)
		h := &hostweb.Handler[string]{Registry: r}
		var wg sync.WaitGroup
		scans := make(chan any, 100)
		ask := func(n int) {
			wg.Go(func() { scans <- at(t, h, fmt.Sprintf("size=%d", n)) })
			synctest.Wait()
		}
		ask(1)
		for n := 2; n <= 17; n++ {
			ask(n)
			ask(n)
		}
		ask(18) // one more than a scan answers

		ctx, cancel := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		wg.Go(func() {
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/hosts?size=2", nil).WithContext(ctx))
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, w.Code)

		wg.Wait()
		close(scans)
		count := map[any]int{}
		for scan := range scans {
			count[scan]++
		}
		require.ElementsMatch(t, []int{1, 32, 1}, slices.Collect(maps.Values(count)))
	})
}

// Answers are fresh for ten times the duration of their scan, and a scan is followed by a pause of
// the same length.
func TestPauseAfterAScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Clock: sluggish{}})
		require.NoError(t, err)
		h := &hostweb.Handler[string]{Registry: r}
		start := time.Now()
		first := at(t, h, "size=1")
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		at(t, h, "size=2")
		require.Equal(t, 300*time.Millisecond, time.Since(start), "a scan, a pause, a scan")
		second := at(t, h, "size=2")
		require.NotEqual(t, first, second)
		time.Sleep(999 * time.Millisecond)
		require.Equal(t, second, at(t, h, "size=2"))
		time.Sleep(time.Millisecond)
		require.NotEqual(t, second, at(t, h, "size=2"))
	})
}
