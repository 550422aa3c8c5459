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
	soakPeriod   = 10 * second // of a host's beats: 10,000 a second in all
	soakInterval = 15 * second // what hosts promise
	soakTick     = 10 * time.Millisecond
	soakChurn    = soakHosts / 100 // a minute; half of them leave, half die
)

// A soak is a service under a steady load, on the system's clock.
type soak struct {
	*hostmgr.Registry[int]
	t     *testing.T
	ids   []string
	lives []uint64
	next  int // id
	left  int
	start time.Time
	ticks int // since then

	mu   sync.Mutex
	dead map[uint64]time.Time // not found yet, by life
	lag  time.Duration        // the longest from a deadline to the eviction
	died int
	bad  []hostmgr.Departure[int] // evicted though they live
}

func (s *soak) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Kind != hostmgr.Evicted {
		return nil
	}
	if _, ok := s.dead[d.Host.Life]; !ok {
		s.bad = append(s.bad, d)
	}
	delete(s.dead, d.Host.Life)
	s.lag = max(s.lag, d.At.Sub(d.Host.EvictAt))
	return nil
}

func (s *soak) join(i int) {
	s.ids[i] = "host-" + strconv.Itoa(1e9+s.next)
	s.next++
	lease, err := s.Announce(hostmgr.Announcement[int]{ID: s.ids[i], Metadata: i, Interval: soakInterval})
	require.NoError(s.t, err)
	s.lives[i] = lease.Life
}

// settle has everybody leave, and another one join: a table that nobody has left yet has no
// places of lives that are over, which are a tenth of its room from then on.
func (s *soak) settle() {
	for i := range soakHosts {
		require.NoError(s.t, s.Leave(s.t.Context(), s.ids[i], 0))
		s.left++
		s.join(i)
	}
}

// turn lets a host leave, or die, and another one come in its place.
func (s *soak) turn(i int) {
	if s.next%2 == 0 {
		require.NoError(s.t, s.Leave(s.t.Context(), s.ids[i], 0))
		s.left++
	} else {
		s.mu.Lock()
		s.dead[s.lives[i]] = time.Now()
		s.died++
		s.mu.Unlock()
	}
	s.join(i)
}

// keepUp beats whoever's turn came, and lets hosts turn over.
func (s *soak) keepUp(churn bool) {
	const beats = soakHosts / int(soakPeriod/soakTick)
	const every = int(time.Minute/soakTick) / soakChurn
	for ; time.Duration(s.ticks)*soakTick < time.Since(s.start); s.ticks++ {
		for k := range beats {
			i := (s.ticks*beats + k) % soakHosts
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

// TestSoak takes the time that HOSTLIFE_SOAK says: the heap and the goroutines of the last
// sixth of it are those of the first, nobody who lives is evicted, and all who left or died
// are found.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("HOSTLIFE_SOAK"))
	if err != nil {
		t.Skip("to run it: HOSTLIFE_SOAK=1h go test -run TestSoak -v -timeout 0 ./hostmgr")
	}
	s := &soak{t: t, ids: make([]string, soakHosts), lives: make([]uint64, soakHosts), dead: map[uint64]time.Time{}}
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
	require.EqualValues(t, s.left, st.Left)
	require.EqualValues(t, s.died, st.Evicted)
	require.Zero(t, st.CleanupPending)
	require.InEpsilon(t, first, last, 0.05)
	require.InDelta(t, mean(goroutines[:sixth]), mean(goroutines[len(goroutines)-sixth:]), 1)
}

// drive keeps up with the clock for so long, and samples the heap and the goroutines.
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
