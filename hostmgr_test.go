package hostlife_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

// The acceptance test: the scenarios of a Dragonfly end-to-end test, as a service that embeds the
// packages would write them.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const interval = time.Second

// peers are the metadata that a scheduler keeps for a host: its task replicas.
type peers []string

// A scheduler is a service that embeds a registry. A GC task sweeps it once in each announce interval.
type scheduler struct {
	*hostmgr.Registry[peers]
	clock *clock.Mock
	gc    *gc.GC

	mu      sync.Mutex
	cleaned map[string]hostmgr.Departure[peers]
}

func newScheduler(t *testing.T, policy hostmgr.Policy) *scheduler {
	t.Helper()
	s := &scheduler{clock: clock.NewMock(), cleaned: map[string]hostmgr.Departure[peers]{}}
	var err error
	s.Registry, err = hostmgr.New(hostmgr.Config[peers]{Policy: policy, Clock: s.clock, Cleanup: s.clean})
	require.NoError(t, err)
	s.gc, err = gc.New(gc.Config{Clock: s.clock})
	require.NoError(t, err)
	require.NoError(t, s.gc.Add(gc.Task{ID: "hosts", Interval: interval, Run: s.RunGC}))
	return s
}

func (s *scheduler) clean(_ context.Context, d hostmgr.Departure[peers]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.cleaned[d.Host.ID]; twice {
		panic("cleaned twice: " + d.Host.ID)
	}
	s.cleaned[d.Host.ID] = d
	return nil
}

func (s *scheduler) announce(t *testing.T, id string) {
	t.Helper()
	_, err := s.Announce(hostmgr.Announcement[peers]{ID: id, Metadata: peers{id + "/0", id + "/1"}, Interval: interval})
	require.NoError(t, err)
}

// pass moves the clock by d and runs the GC.
func (s *scheduler) pass(t *testing.T, d time.Duration) {
	t.Helper()
	s.clock.Add(d)
	require.NoError(t, s.gc.RunNow(t.Context(), "hosts"))
}

func TestNormalExit(t *testing.T) {
	s := newScheduler(t, nil)
	s.announce(t, "reference")
	n := s.Len()
	s.announce(t, "host")
	require.Equal(t, n+1, s.Len())

	require.NoError(t, s.Leave(t.Context(), "host", 0))
	require.Equal(t, n, s.Len(), "at once")
	require.Equal(t, peers{"host/0", "host/1"}, s.cleaned["host"].Host.Metadata, "cleaned")
	require.Equal(t, hostmgr.DepartureLeft, s.cleaned["host"].Kind)
	st := s.Stats()
	require.Equal(t, [2]uint64{1, 0}, [2]uint64{st.Departures.Left, st.Departures.Evicted}, "a normal departure")
	require.Zero(t, st.Cleanup.Pending)
	_, there := s.Get("reference")
	require.True(t, there)
}

func TestAbnormalExit(t *testing.T) {
	s := newScheduler(t, nil)
	s.announce(t, "reference")
	reference, _ := s.Get("reference")
	n := s.Len()
	s.announce(t, "host") // and falls silent
	require.Equal(t, n+1, s.Len())

	for range 2 {
		s.pass(t, interval)
		require.Equal(t, n+1, s.Len(), "up to and at exactly 2 x interval")
		s.announce(t, "reference")
	}
	s.pass(t, 1)
	require.Equal(t, n, s.Len(), "a nanosecond later")
	require.Len(t, s.cleaned, 1, "cleaned, once")
	d := s.cleaned["host"]
	require.Equal(t, hostmgr.DepartureEvicted, d.Kind)
	require.Equal(t, 2*interval+1, d.Silence)
	require.Equal(t, 2*interval, d.Timeout)
	st := s.Stats()
	require.Equal(t, [2]uint64{0, 1}, [2]uint64{st.Departures.Left, st.Departures.Evicted}, "an abnormal departure")

	for range 10 {
		s.pass(t, interval)
		s.announce(t, "reference")
	}
	still, _ := s.Get("reference")
	require.Equal(t, reference.Registration, still.Registration, "the reference is untouched throughout")
	require.Equal(t, hostmgr.StateAlive, still.State)
}

// The same with a GC that runs by itself, each interval: the host is evicted by the first run after its
// timeout.
func TestAbnormalExitUnderAPeriodicGC(t *testing.T) {
	s := newScheduler(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.gc.Run(ctx) }()
	s.announce(t, "host")
	for tick := range 3 {
		require.Equal(t, 1, s.Len(), "before tick %d", tick)
		require.NoError(t, s.clock.BlockUntil(ctx, 1))
		s.clock.Add(interval)
		require.NoError(t, s.gc.RunNow(ctx, "hosts")) // joins the run of this tick, or follows it
	}
	require.Zero(t, s.Len(), "gone at 3 x interval, the first run after 2 x")
	cancel()
	require.NoError(t, <-done)
}

// The time from Leave to the end of the cleanup is measured and reported, not asserted.
func TestTimeliness(t *testing.T) {
	s := newScheduler(t, nil)
	const n = 10_000
	took := make([]time.Duration, n)
	for i := range n {
		s.announce(t, strconv.Itoa(i))
	}
	for i := range n {
		id := strconv.Itoa(i)
		start := time.Now()
		require.NoError(t, s.Leave(t.Context(), id, 0))
		took[i] = time.Since(start)
		if _, clean := s.cleaned[id]; !clean {
			require.Fail(t, "Leave has returned", "%s is not clean", id)
		}
	}
	slices.Sort(took)
	t.Logf("from Leave to cleaned, %d hosts: p50 %v, p99 %v, max %v", n, took[n/2], took[n*99/100], took[n-1])
}

// A host falls silent between two heartbeats, for different numbers of intervals. The table says which
// interruptions it survives.
func TestSensitivity(t *testing.T) {
	lengths := []float64{0.1, 0.5, 0.9, 1, 1.1, 1.5, 1.9, 2, 2.000000001, 2.1, 2.5, 3, 3.1, 4, 5, 6, 6.1, 8, 10}
	table := []struct {
		name     string
		policy   hostmgr.Policy
		survives float64 // the longest interruption that the host survives
	}{
		{"default", nil, 2},
		{"Fixed(1.1)", hostmgr.Fixed(1.1), 1.1},
		{"Fixed(2)", hostmgr.Fixed(2), 2},
		{"Fixed(3)", hostmgr.Fixed(3), 3},
		{"Tiered 1s/5s", hostmgr.Tiered{Jitter: time.Second, Offline: 5 * time.Second}, 6},
		{"Tiered 30s/5m", hostmgr.Tiered{}, 301},
	}
	for _, row := range table {
		survived, evicted := []float64{}, []float64{}
		for _, length := range lengths {
			ok := interrupt(t, row.policy, time.Duration(length*float64(interval)))
			require.Equal(t, length <= row.survives, ok, "%s: an interruption of %v intervals", row.name, length)
			if ok {
				survived = append(survived, length)
			} else {
				evicted = append(evicted, length)
			}
		}
		t.Logf("%-13s survives %v, evicted at %v", row.name, survived, evicted)
	}
	// Jitter is under 30 s overdue, offline over 5 min.
	require.True(t, interrupt(t, hostmgr.Tiered{}, 29*time.Second))
	require.True(t, interrupt(t, hostmgr.Tiered{}, interval+5*time.Minute))
	require.False(t, interrupt(t, hostmgr.Tiered{}, interval+5*time.Minute+1))
}

// interrupt reports whether a host survives a silence that contains ten sweeps, the last one at its
// end.
func interrupt(t *testing.T, policy hostmgr.Policy, silence time.Duration) bool {
	t.Helper()
	s := newScheduler(t, policy)
	s.announce(t, "host")
	before, _ := s.Get("host")
	end := s.clock.Now().Add(silence)
	for range 9 {
		s.pass(t, silence/10)
	}
	s.pass(t, end.Sub(s.clock.Now()))
	if _, err := s.Heartbeat("host", 0); err != nil {
		require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
		return false
	}
	after, _ := s.Get("host")
	require.Equal(t, before.Registration, after.Registration)
	return true
}

// 100,000 hosts crash at once while others join, send heartbeats and leave.
func TestAMassCrashDoesNotAffectLiveHosts(t *testing.T) {
	const dying, workers, each = 100_000, 8, 1_000
	goroutines, before := runtime.NumGoroutine(), heap()
	var left, evicted, wrong atomic.Int64
	clk := clock.NewMock()
	r, err := hostmgr.New(hostmgr.Config[peers]{Clock: clk,
		Cleanup: func(_ context.Context, d hostmgr.Departure[peers]) error {
			switch d.Kind {
			case hostmgr.DepartureLeft:
				left.Add(1)
			case hostmgr.DepartureEvicted:
				evicted.Add(1)
			default:
				wrong.Add(1)
			}
			return nil
		},
	})
	require.NoError(t, err)
	announce := func(id string, interval time.Duration) {
		_, err := r.Announce(hostmgr.Announcement[peers]{ID: id, Interval: interval})
		require.NoError(t, err)
	}
	for i := range dying {
		announce("dying "+strconv.Itoa(i), interval)
	}
	for i := range workers * each {
		announce("living "+strconv.Itoa(i), interval)
	}
	clk.Add(interval)
	for i := range workers * each {
		_, err := r.Heartbeat("living "+strconv.Itoa(i), 0)
		require.NoError(t, err)
	}
	clk.Add(interval + 1) // now the crashed hosts are due, and the live ones are not

	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 0))
			for i := range each {
				_, err := r.Heartbeat("living "+strconv.Itoa(rnd.IntN(workers*each)), 0)
				require.NoError(t, err, "no live host is evicted")
				id := fmt.Sprintf("new %d/%d", w, i)
				announce(id, interval)
				if i%2 == 0 {
					require.NoError(t, r.Leave(context.Background(), id, 0))
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() { r.Sweep(context.Background()) })
	}
	wg.Wait()
	r.Sweep(context.Background())

	const stayed = workers * each / 2
	require.Equal(t, [3]int64{workers*each - stayed, dying, 0}, [3]int64{left.Load(), evicted.Load(), wrong.Load()},
		"every departure once, none lost")
	require.Equal(t, workers*each+stayed, r.Len(), "the count is exact")
	require.Equal(t, uint64(dying), r.Stats().Departures.Evicted)
	require.Zero(t, r.Stats().Cleanup.Pending)

	clk.Add(time.Hour)
	r.Sweep(context.Background())
	require.Zero(t, r.Len())
	for runtime.NumGoroutine() > goroutines { // those that Leave and Sweep waited for are about to end
		runtime.Gosched()
	}
	require.InDelta(t, 0, float64(heap()-before), 4<<20, "the heap is back where it was")
	runtime.KeepAlive(r)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
