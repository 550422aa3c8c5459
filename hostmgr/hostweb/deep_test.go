package hostweb_test

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// askAll sends all queries at once, in a bubble, and returns how many scans answered them.
func askAll(t *testing.T, h http.Handler, queries []string) int {
	t.Helper()
	var wg sync.WaitGroup
	ends := make(chan any, len(queries))
	for _, q := range queries {
		wg.Go(func() { ends <- at(t, h, q) })
	}
	wg.Wait()
	close(ends)
	scans := map[any]bool{}
	for end := range ends {
		scans[end] = true
	}
	return len(scans)
}

// What one scan keeps is bounded for all its queries together, not only for each.
func TestDeepPagesShareABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Clock: sluggish{}})
		require.NoError(t, err)
		h := &hostweb.Handler[string]{Registry: r}
		deep, shallow := []string{"size=1"}, []string{"size=1"} // the first one has its own scan
		for i := range 15 {
			deep = append(deep, fmt.Sprintf("search=%d&size=200&page=250", i))
			shallow = append(shallow, fmt.Sprintf("search=%d&size=200&page=5", i))
		}
		require.GreaterOrEqual(t, askAll(t, h, deep), 8, "two pages of the deepest half at a time")
		time.Sleep(time.Minute)
		require.LessOrEqual(t, askAll(t, h, shallow), 2)
		time.Sleep(time.Minute)
		mixed := append(deep[:8:8], "search=x")
		require.LessOrEqual(t, askAll(t, h, mixed), 8, "a page that is not deep is part of the next scan")

		var pages []string
		for i := range 16 {
			pages = append(pages, fmt.Sprint("sort=id&size=200&page=", 500-i))
		}
		time.Sleep(time.Minute)
		require.LessOrEqual(t, askAll(t, h, pages), 2, "pages of one list share its hosts")
	})
}

// The deepest pages of many lists at once cost a few copies of the sort keys.
func TestDeepPagesAreCheap(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	const n = 120_000
	for i := range n {
		s.join(fmt.Sprintf("host-%06d", i), "", second)
	}
	var queries []string
	for _, sort := range []string{"id", "zone", "state", "contact", "evict", "joined"} {
		queries = append(queries, "size=200&page=500&order=asc&sort="+sort)
	}
	for _, q := range queries {
		h := &hostweb.Handler[string]{Registry: s.Registry, Clock: s.clock} // without an earlier scan
		spent := allocated(func() {
			require.Len(t, read[hostsAnswer](t, h, "/api/hosts?"+q).Hosts, 200)
		})
		require.Less(t, spent, uint64(64<<20), q)
	}
}

// The page does not grow with the number of zones.
func TestZonesAreBounded(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for i := range 1000 {
		s.join(fmt.Sprint(i), fmt.Sprint("zone-", i), second)
	}
	got := read[hostsAnswer](t, s.web, "/api/hosts")
	require.LessOrEqual(t, len(got.Zones), 65)
	require.Equal(t, 1000, got.Total)
	require.Equal(t, 1000, got.Counts["alive"])
}
