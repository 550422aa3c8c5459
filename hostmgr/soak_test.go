package hostmgr_test

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	soakHosts    = 100_000
	soakPeriod   = 10 * second // between a host's heartbeats: 10,000 a second in total
	soakInterval = 15 * second // the interval that hosts announce
	soakTick     = 10 * time.Millisecond
	soakChurn    = soakHosts / 100 // hosts a minute; half of them leave, half crash
)

// A soak is a service under steady load, on the system's clock.
type soak struct {
	*hostmgr.Registry[int]
	t             *testing.T
	ids           []string
	registrations []uint64
	next          int // id
	left          int
	start         time.Time
	ticks         int // since then

	mu   sync.Mutex
	dead map[uint64]time.Time // not evicted yet, by registration
	lag  time.Duration        // the longest from a deadline to the eviction
	died int
	bad  []hostmgr.Departure[int] // live hosts that were evicted
}

func (s *soak) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Kind != hostmgr.DepartureEvicted {
		return nil
	}
	if _, ok := s.dead[d.Host.Registration]; !ok {
		s.bad = append(s.bad, d)
	}
	delete(s.dead, d.Host.Registration)
	s.lag = max(s.lag, d.At.Sub(d.Host.EvictAt))
	return nil
}

func (s *soak) join(i int) {
	s.ids[i] = "host-" + strconv.Itoa(1e9+s.next)
	s.next++
	ack, err := s.Announce(hostmgr.Announcement[int]{ID: s.ids[i], Metadata: i, Interval: soakInterval})
	require.NoError(s.t, err)
	s.registrations[i] = ack.Registration
}

// settle replaces each host once. An index without any departure has no free entries; later they
// are a tenth of it.
func (s *soak) settle() {
	for i := range soakHosts {
		require.NoError(s.t, s.Leave(s.t.Context(), s.ids[i], 0))
		s.left++
		s.join(i)
	}
}

// turn lets a host leave, or crash, and another one join.
func (s *soak) turn(i int) {
	if s.next%2 == 0 {
		require.NoError(s.t, s.Leave(s.t.Context(), s.ids[i], 0))
		s.left++
	} else {
		s.mu.Lock()
		s.dead[s.registrations[i]] = time.Now()
		s.died++
		s.mu.Unlock()
	}
	s.join(i)
}

// keepUp sends the heartbeats that are due, and replaces hosts.
func (s *soak) keepUp(churn bool) {
	const heartbeats = soakHosts / int(soakPeriod/soakTick)
	const every = int(time.Minute/soakTick) / soakChurn
	for ; time.Duration(s.ticks)*soakTick < time.Since(s.start); s.ticks++ {
		for k := range heartbeats {
			i := (s.ticks*heartbeats + k) % soakHosts
			if _, err := s.Heartbeat(s.ids[i], 0); err != nil {
				s.t.Fatalf("%s: %v", s.ids[i], err)
			}
		}
		if churn && s.ticks%every == 0 {
			s.turn(s.ticks / every * 7919 % soakHosts)
		}
	}
}

func (s *soak) missing() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dead)
}

// The soak takes as long as HOSTLIFE_SOAK says. The heap and the goroutines of its last sixth are
// those of its first sixth. No live host is evicted, and each host that left or crashed departs.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("HOSTLIFE_SOAK"))
	if err != nil {
		t.Skip("to run it: HOSTLIFE_SOAK=1h go test -run TestSoak -v -timeout 0 ./hostmgr")
	}
	s := &soak{t: t, ids: make([]string, soakHosts), registrations: make([]uint64, soakHosts), dead: map[uint64]time.Time{}}
	s.Registry, err = hostmgr.New(hostmgr.Config[int]{Cleanup: s.cleanup})
	require.NoError(t, err)
	for i := range soakHosts {
		s.join(i)
	}
	s.settle()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	heaps, goroutines := s.drive(length)
	for s.missing() > 0 && time.Since(s.start) < length+time.Minute {
		<-time.After(soakTick)
		s.keepUp(false)
	}
	require.Zero(t, s.missing(), "the dead that were not found")
	cancel()
	require.NoError(t, <-done)

	st, sixth := s.Stats(), len(heaps)/6
	first, last := mean(heaps[:sixth]), mean(heaps[len(heaps)-sixth:])
	t.Logf("%v: %d joined, %d left, %d died, longest lag %v, %d stalls", length, st.Joins, s.left, s.died, s.lag, st.Stalls)
	t.Logf("heap %.0f, then %.0f; goroutines %.1f, then %.1f", first, last,
		mean(goroutines[:sixth]), mean(goroutines[len(goroutines)-sixth:]))
	require.Empty(t, s.bad, "evicted though they live")
	require.Equal(t, soakHosts, s.Len())
	require.EqualValues(t, s.left, st.Departures.Left)
	require.EqualValues(t, s.died, st.Departures.Evicted)
	require.Zero(t, st.Cleanup.Pending)
	require.InEpsilon(t, first, last, 0.05)
	require.InDelta(t, mean(goroutines[:sixth]), mean(goroutines[len(goroutines)-sixth:]), 1)
}

// drive runs the load for length, and samples the heap and the goroutines.
func (s *soak) drive(length time.Duration) (heaps, goroutines []float64) {
	s.start = time.Now()
	for sample := max(length/360, second/4); time.Since(s.start) < length; {
		<-time.After(soakTick)
		s.keepUp(true)
		if time.Since(s.start) > time.Duration(len(heaps))*sample {
			heaps = append(heaps, float64(heap()))
			goroutines = append(goroutines, float64(runtime.NumGoroutine()))
		}
	}
	return heaps, goroutines
}

func mean(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x / float64(len(xs))
	}
	return sum
}
