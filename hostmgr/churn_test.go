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

// TestChurn: ids without end pass through a registry of ten thousand. It stays as it was:
// exactly so many hosts, the heap, and no goroutine.
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
		id := "host-" + strconv.Itoa(1e9+next) // as long as any other
		_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Metadata: id, Interval: interval, Zone: zones[next%100]})
		must(err)
		next++
	}
	// cycle has the oldest leave, or be forgotten, and others come, four times over; and then
	// all fall silent at once.
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
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	shown := 0
	for range s.All() {
		shown++
	}
	require.Equal(t, hosts, shown)
	st := s.Stats()
	require.EqualValues(t, next, st.Joins)
	require.EqualValues(t, next-hosts, st.Left+st.Forgotten+st.Evicted)
	require.Zero(t, st.CleanupPending)
}
