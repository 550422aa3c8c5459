package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The policy suspects no host. A stall puts the eviction off, and meanwhile the host is suspect.
// Get, Stats, events and Next agree on that.
func TestAHostWhoseEvictionIsPutOffIsSuspect(t *testing.T) {
	p := policyFunc(func(p hostmgr.History) (time.Duration, time.Duration) { return 0, 2 * p.Interval })
	s := newScript(t, hostmgr.Config[string]{Policy: p, StallThreshold: 500 * time.Millisecond})
	s.join("a")
	for range 3 {
		s.after(500 * time.Millisecond)
	}
	s.after(10 * second) // a stall
	require.Equal(t, hostmgr.StateLate, s.get("a").State)
	h := s.get("a")
	require.Equal(t, h.LastContact.Add(12*second), h.SuspectAt)
	require.Equal(t, 1500*time.Millisecond, h.EvictAt.Sub(s.clock.Now()))
	s.after(500 * time.Millisecond)
	next, ok := s.Next()
	require.True(t, ok)
	require.False(t, next.After(h.SuspectAt.Add(1)))
	s.after(1)
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	require.Equal(t, 1, s.Stats().Suspects)
	require.EqualValues(t, 1, s.Stats().Suspected)
}

// Right after a sweep All, Stats and watchers agree on the suspect and held hosts, under any policy
// and with any stalls. No other host becomes suspect before Next.
func TestWhatIsShownIsWhatIsCounted(t *testing.T) {
	suspected := uint64(0)
	for seed := range uint64(times(30, 3000)) {
		w := newWitness(t, seed)
		for range 200 {
			w.step()
			w.Sweep(context.Background())
			w.compare()
		}
		suspected += w.Stats().Suspected
	}
	require.NotZero(t, suspected)
}

// A witness compares the hosts that a registry shows with its counts.
type witness struct {
	*script
	rnd  *rand.Rand
	seed uint64
}

func newWitness(t *testing.T, seed uint64) *witness {
	rnd := rand.New(rand.NewPCG(seed, 31))
	multiple := func(f float64) func(hostmgr.History) time.Duration {
		return func(p hostmgr.History) time.Duration { return time.Duration(f * float64(p.Interval)) }
	}
	suspect, evict := multiple([]float64{0, 0, 0.5, 1.2}[rnd.IntN(4)]), multiple([]float64{0, 1.1, 2, 3}[rnd.IntN(4)])
	var p hostmgr.Policy = policyFunc(func(p hostmgr.History) (time.Duration, time.Duration) { return suspect(p), evict(p) })
	switch rnd.IntN(4) {
	case 0:
		p = hostmgr.PhiAccrual{MinOverdue: time.Duration(rnd.Int64N(int64(5 * second)))}
	case 1:
		p = &scriptedPolicy{answer: func(p hostmgr.History) (time.Duration, time.Duration) {
			evict := p.Interval + time.Duration(rnd.Int64N(int64(5*p.Interval)))
			return time.Duration(rnd.Int64N(int64(evict))), evict
		}}
	case 2:
		suspect, evict = multiple(0), multiple(2)
	}
	cfg := hostmgr.Config[string]{Policy: p, StallThreshold: time.Duration(rnd.IntN(3)) * second / 2}
	if rnd.IntN(3) == 0 {
		cfg.EvictionLimit = hostmgr.EvictionLimit{MaxFraction: 0.3, MaxHold: 20 * second}
	}
	if rnd.IntN(3) == 0 {
		cfg.Pacing = hostmgr.Pacing{Min: second, Max: 10 * second, PerSecond: 3}
	}
	return &witness{newScript(t, cfg), rnd, seed}
}

func (w *witness) step() {
	for range w.rnd.IntN(8) {
		id := strconv.Itoa(w.rnd.IntN(20))
		switch w.rnd.IntN(4) {
		case 0:
			w.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Duration(1+w.rnd.IntN(3)) * second})
		case 1:
			_ = w.Observe(id, 0, time.Duration(w.rnd.Int64N(int64(5*second))))
		default:
			_, _ = w.Heartbeat(id, 0)
		}
	}
	switch w.rnd.IntN(10) {
	case 0:
		w.clock.Advance(time.Duration(w.rnd.Int64N(int64(10 * second))))
	default:
		w.clock.Advance(time.Duration(1 + w.rnd.Int64N(int64(400*time.Millisecond))))
	}
}

func (w *witness) compare() {
	next, ok := w.Next()
	shown := 0
	for h := range w.All() {
		if h.State == hostmgr.StateSuspect || h.State == hostmgr.StateOffline {
			shown++
			continue
		}
		for _, at := range []time.Time{h.SuspectAt, h.EvictAt} {
			if !at.IsZero() {
				require.True(w.t, ok, "seed %d: %+v", w.seed, h)
				require.False(w.t, next.After(at.Add(1)), "seed %d: next %v, %+v", w.seed, next, h)
			}
		}
	}
	s := w.Stats()
	require.Equal(w.t, shown, s.Suspects, "seed %d at %v", w.seed, w.clock.Now())
	zones := 0
	for _, z := range s.Zones {
		zones += z.Suspects
	}
	require.Equal(w.t, shown, zones, "seed %d", w.seed)
}

// An older contact of a suspect is observed, and its timeout becomes longer. It recovers at once.
func TestASuspectWithALongerTimeoutRecovers(t *testing.T) {
	p := &scriptedPolicy{answer: func(p hostmgr.History) (time.Duration, time.Duration) { return p.Interval, 100 * p.Interval }}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.after(10 * second)
	require.Equal(t, 1, s.Stats().Suspects)
	p.answer = func(p hostmgr.History) (time.Duration, time.Duration) { return 50 * p.Interval, 100 * p.Interval }
	require.NoError(t, s.Observe("a", 0, 3*second))
	require.Equal(t, hostmgr.StateLate, s.get("a").State)
	require.Zero(t, s.Stats().Suspects)
	require.EqualValues(t, 1, s.Stats().Recovered)
}

// A heartbeat asks the policy about the longer interval that its host is advised. Meanwhile a sweep
// finds the host suspect. By the longer interval it is not.
func TestASuspectThatIsAdvisedALongerIntervalRecovers(t *testing.T) {
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 0.01},
		Policy: policyFunc(func(p hostmgr.History) (time.Duration, time.Duration) {
			if p.Interval == 200*second {
				s.after(180 * second)
				require.Equal(t, 2, s.Stats().Suspects)
			}
			return p.Interval * 3 / 2, 10 * p.Interval
		}),
	})
	s.join("a")
	s.join("a") // the ack says 100 s
	s.join("b")
	s.heartbeat("a")
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.Equal(t, hostmgr.StateSuspect, s.get("b").State)
	require.Equal(t, 1, s.Stats().Suspects)
}
