package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// New ids pass through a registry of ten thousand hosts without end. The number of hosts stays
// exact, the heap does not grow, and there is no goroutine.
func TestChurn(t *testing.T) {
	const hosts = 10_000
	goroutines := runtime.NumGoroutine()
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
	})
	var zones [100]string
	for i := range zones {
		zones[i] = strconv.Itoa(i)
	}
	must := func(err error) { // require.NoError, millions of times
		if err != nil {
			t.Fatal(err)
		}
	}
	interval := time.Hour
	next := 0
	join := func() {
		id := "host-" + strconv.Itoa(1e9+next) // all ids have the same length
		_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Metadata: id, Interval: interval, Zone: zones[next%100]})
		must(err)
		next++
	}
	// cycle replaces each host four times: the oldest leaves or is forgotten, and another one
	// joins. Then all hosts fall silent at once.
	cycle := func() {
		for i := range 4 * hosts {
			id := "host-" + strconv.Itoa(1e9+next-hosts)
			if i%2 == 0 {
				must(s.Leave(context.Background(), id, 0))
			} else {
				must(s.Forget(id, 0))
			}
			join()
		}
		require.Equal(t, hosts, s.Len())
		require.Equal(t, hosts, s.after(3*interval).Evicted)
		for range hosts {
			join()
		}
	}
	for range hosts {
		join()
	}
	cycle()
	before := heap()
	for range times(5, 200) {
		cycle()
	}
	after := heap()
	t.Logf("%d ids, heap %d, then %d", next, before, after)
	require.InEpsilon(t, before, after, 0.05)
	for runtime.NumGoroutine() > goroutines { // those that Leave and Sweep waited for are about to end
		runtime.Gosched()
	}
	shown := 0
	for range s.All() {
		shown++
	}
	require.Equal(t, hosts, shown)
	st := s.Stats()
	require.EqualValues(t, next, st.Joins)
	require.EqualValues(t, next-hosts, st.Departures.Left+st.Departures.Forgotten+st.Departures.Evicted)
	require.Zero(t, st.Cleanup.Pending)
}
