package hostmgr_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A pupil notes what it is told, and answers what it is asked to.
type pupil struct {
	told   []hostmgr.Pulse
	answer func(hostmgr.Pulse) (suspect, evict time.Duration)
}

func (p *pupil) Learns() bool { return true }

func (p *pupil) Patience(pulse hostmgr.Pulse) (suspect, evict time.Duration) {
	p.told = append(p.told, pulse)
	if p.answer != nil {
		return p.answer(pulse)
	}
	return 0, 100 * pulse.Interval
}

func TestAdaptiveIsPhiAccrual(t *testing.T) {
	p := hostmgr.Pulse{Interval: 10 * second, Mean: 10 * second, Deviation: second, Beats: 100}
	for _, phi := range []float64{0.5, 1, 2, 3, 5, 8, 12} {
		suspect, evict := hostmgr.Adaptive{Phi: phi, Most: time.Hour}.Patience(p)
		late := (suspect - p.Mean).Seconds()
		chance := math.Erfc(late/math.Sqrt2) / 2
		require.InEpsilon(t, phi, -math.Log10(chance), 0.2, "phi %v: %v", phi, suspect)
		require.Equal(t, max(2*suspect, 2*p.Interval), evict)
	}
	before := time.Duration(0)
	for _, phi := range []float64{0.5, 1, 8, 100, 400, 1e4, 1e6} {
		suspect, _ := hostmgr.Adaptive{Phi: phi, Most: 1e6 * time.Hour}.Patience(p)
		require.Greater(t, suspect, before, "phi %v", phi)
		before = suspect
	}
}

func TestAdaptiveStaysWithinItsLimits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	for range 10_000 {
		p := hostmgr.Pulse{
			Interval: time.Duration(1+rnd.Int64N(int64(time.Hour))) + 10*time.Millisecond, Beats: rnd.Uint64N(20),
			Mean: time.Duration(rnd.Int64N(1 << rnd.IntN(63))), Deviation: time.Duration(rnd.Int64N(1 << rnd.IntN(63))),
		}
		a := hostmgr.Adaptive{Phi: 0.5 + rnd.ExpFloat64()*10}
		least, most := min(p.Interval, 5*time.Minute), 5*time.Minute
		if rnd.IntN(2) == 0 {
			least = time.Duration(1 + rnd.Int64N(int64(time.Hour)))
			most = least + time.Duration(rnd.Int64N(int64(time.Hour)))
			a.Least, a.Most = least, most
		}
		suspect, evict := a.Patience(p)
		require.GreaterOrEqual(t, evict, p.Interval+least, "%+v %+v", a, p)
		require.LessOrEqual(t, evict, p.Interval+most, "%+v %+v", a, p)
		require.GreaterOrEqual(t, suspect, p.Interval, "%+v %+v", a, p)
		require.Less(t, suspect, evict, "%+v %+v", a, p)
	}
}

func TestPoliciesThatLearnAreToldTheRhythm(t *testing.T) {
	p := &pupil{}
	s := newScript(t, hostmgr.Config[string]{Policy: p, MaxGap: second / 2})
	s.join("a")
	rnd := rand.New(rand.NewPCG(1, 10))
	mean, variance := 0.0, 0.0
	for n := 1.0; n <= 200; n++ {
		gap := 700*time.Millisecond + time.Duration(rnd.Int64N(int64(second)))
		for left := gap; left > 0; left -= 100 * time.Millisecond {
			s.after(min(left, 100*time.Millisecond))
		}
		if n == 50 { // nobody listens for a while: that is no part of the gap
			s.after(10 * second)
		}
		if int(n)%3 == 0 {
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		} else {
			s.beat("a")
		}
		weight := max(1/n, 1.0/64)
		d := gap.Seconds() - mean
		mean += weight * d
		variance = (1 - weight) * (variance + weight*d*d)
		told := p.told[len(p.told)-1]
		require.Equal(t, second, told.Interval)
		require.EqualValues(t, n, told.Beats)
		require.InDelta(t, mean, told.Mean.Seconds(), 1e-5)
		require.InDelta(t, math.Sqrt(variance), told.Deviation.Seconds(), 1e-4)
	}
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 2 * second})
	asked := len(p.told)
	s.after(second)
	s.beat("a")
	require.Equal(t, hostmgr.Pulse{Interval: 2 * second, Mean: second, Beats: 1}, p.told[asked], "another interval, another rhythm")
}

func TestOtherPoliciesAreNotToldIt(t *testing.T) {
	var told []hostmgr.Pulse
	s := newScript(t, hostmgr.Config[string]{Shadow: &pupil{}, Policy: policyFunc(func(p hostmgr.Pulse) (time.Duration, time.Duration) {
		told = append(told, p)
		return 0, 100 * p.Interval
	})})
	s.join("a")
	s.after(second)
	s.beat("a")
	for _, p := range told {
		require.Equal(t, hostmgr.Pulse{Interval: second}, p)
	}
}

func TestAdaptiveKnowsWhoStraggles(t *testing.T) {
	var diary diary
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}, Cleanup: diary.cleanup})
	s.join("clockwork")
	s.join("straggler")
	for i := range 300 {
		s.after(second)
		s.beat("clockwork")
		if i%3 == i/10%3 { // every third time, now and then one earlier or later
			s.beat("straggler")
		}
	}
	regular, other := s.get("clockwork"), s.get("straggler")
	require.Less(t, regular.SuspectAt.Sub(regular.LastSeen), 1200*time.Millisecond)
	require.Less(t, regular.EvictAt.Sub(regular.LastSeen), 2500*time.Millisecond)
	require.Greater(t, regular.EvictAt.Sub(regular.LastSeen), 2*second, "one beat that is lost is no death")
	require.Greater(t, other.EvictAt.Sub(other.LastSeen), 6*second)
	require.Less(t, other.EvictAt.Sub(other.LastSeen), 30*second)

	rep := s.after(regular.SuspectAt.Sub(s.clock.Now()) + 1)
	require.Equal(t, 1, rep.Suspected)
	s.after(regular.EvictAt.Sub(s.clock.Now()))
	require.False(t, s.gone("clockwork"))
	s.after(1)
	require.True(t, s.gone("clockwork"))
	s.after(30 * second)
	require.True(t, s.gone("straggler"))
	e := diary.departures[0].Evidence
	require.Greater(t, e.Silence, e.Patience)
	require.EqualValues(t, 300, e.Beats)
	require.Equal(t, second, e.Mean)
	require.Contains(t, e.Reason(hostmgr.Evicted), "learned from 300 beats every 1s ± 0s")
}

// Patience changes with every beat, in both directions; each host is found right at its
// deadline all the same, by a driver that keeps to Next.
func TestDeadlinesThatAreLearnedAreKept(t *testing.T) {
	for seed := range uint64(times(30, 3000)) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		p := &pupil{answer: func(p hostmgr.Pulse) (time.Duration, time.Duration) {
			evict := p.Interval + time.Duration(rnd.Int64N(int64(20*p.Interval)))
			return time.Duration(rnd.Int64N(int64(evict))), evict
		}}
		found := 0
		var s *script
		s = newScript(t, hostmgr.Config[string]{Policy: p, Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			require.Equal(t, d.Host.EvictAt.Add(1), s.clock.Now())
			found++
			return nil
		}})
		intervals := []time.Duration{second, 3 * second, 10 * second}
		for i := range 50 {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: intervals[i%3]})
		}
		start := s.clock.Now()
		for s.clock.Since(start) < time.Minute {
			s.sweepUntil(s.clock.Now().Add(time.Duration(rnd.Int64N(int64(second / 10)))))
			_, _ = s.Heartbeat(strconv.Itoa(rnd.IntN(40)), 0) // the last ten are silent
		}
		require.GreaterOrEqual(t, found, 5)
		s.sweepUntil(s.clock.Now().Add(300 * second))
		require.Equal(t, 50, found)
		require.Zero(t, s.Len())
	}
}

// A look found the host patient for long, so that the next one is far off; then a beat comes,
// and its patience is short.
func TestPatienceThatShrinksIsNoticed(t *testing.T) {
	p := &pupil{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.sweepUntil(s.clock.Now().Add(5 * second))
	p.answer = func(p hostmgr.Pulse) (time.Duration, time.Duration) { return 1, 2 * p.Interval }
	s.beat("a")
	h := s.get("a")
	require.Equal(t, second, h.SuspectAt.Sub(h.LastSeen), "a suspicion does not come before the interval is over")
	s.sweepUntil(h.EvictAt)
	require.False(t, s.gone("a"))
	s.sweepUntil(h.EvictAt.Add(1))
	require.True(t, s.gone("a"))
}

func TestAStallAfterABeatIsNoPartOfTheGapBeforeIt(t *testing.T) {
	p := &pupil{}
	s := newScript(t, hostmgr.Config[string]{Policy: p, MaxGap: second})
	s.join("a")
	s.after(second)
	s.after(second)
	s.after(10 * second)
	require.NoError(t, s.Observe("a", 0, 10*second))
	require.Equal(t, hostmgr.Pulse{Interval: second, Mean: 2 * second, Beats: 1}, p.told[len(p.told)-1])
}

// sweepUntil lets time pass, and sweeps whenever Next says so.
func (s *script) sweepUntil(end time.Time) {
	for {
		at, ok := s.Next()
		if !ok || at.After(end) {
			s.clock.Advance(end.Sub(s.clock.Now()))
			return
		}
		s.after(max(0, at.Sub(s.clock.Now())))
	}
}

func TestALearnedRhythmOutlivesTheTablesGrowth(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}})
	s.join("a")
	for range 100 {
		s.after(second)
		s.beat("a")
	}
	before := s.get("a")
	for i := range 20_000 {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, before, s.get("a"))
	for i := range 20_000 {
		require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
	}
	require.Equal(t, before, s.get("a"))
	require.Less(t, before.EvictAt.Sub(before.LastSeen), 2500*time.Millisecond)
}

func TestAPolicyThatLearnsNonsenseIsOverruled(t *testing.T) {
	p := &pupil{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	p.answer = func(hostmgr.Pulse) (time.Duration, time.Duration) { panic("on purpose") }
	s.after(second)
	s.beat("a")
	require.EqualValues(t, 1, s.Stats().PolicyFaults)
	h := s.get("a")
	require.Equal(t, 2*second, h.EvictAt.Sub(h.LastSeen))
	p.answer = func(hostmgr.Pulse) (time.Duration, time.Duration) { return 1, second / 2 }
	s.after(second)
	s.beat("a")
	require.EqualValues(t, 2, s.Stats().PolicyFaults)
}

func TestAnAdaptiveThatCannotBeMeantIsAnError(t *testing.T) {
	for _, a := range []hostmgr.Adaptive{
		{Phi: -1}, {Phi: 0.1}, {Phi: math.NaN()}, {Phi: math.Inf(1)}, {Least: -1}, {Most: -1},
		{Least: 10 * time.Minute}, {Least: 2, Most: 1}, {Most: math.MaxInt64},
	} {
		_, err := hostmgr.New(hostmgr.Config[string]{Policy: a})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", a)
		_, err = hostmgr.New(hostmgr.Config[string]{Shadow: a})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", a)
	}
}

// Beats, joins that make the table grow, and sweeps at once: whoever beats stays.
func TestLearningWhileTheTableChanges(t *testing.T) {
	var evicted []string
	r, err := hostmgr.New(hostmgr.Config[string]{
		Policy: hostmgr.Adaptive{Least: time.Minute}, Shadow: hostmgr.Multiple(2),
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			evicted = append(evicted, d.Host.ID)
			return nil
		},
	})
	require.NoError(t, err)
	const hosts = 64
	for i := range hosts {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * time.Millisecond})
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 5000 {
				if _, err := r.Heartbeat(strconv.Itoa(i%hosts), 0); err != nil {
					t.Error(err)
				}
				if i%100 == 0 {
					id := fmt.Sprint("more", g, i)
					for range 100 {
						id += "x"
						_, _ = r.Announce(hostmgr.Announcement[string]{ID: id[:len(id)%1000], Interval: 10 * time.Millisecond})
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			require.Empty(t, evicted)
			for i := range hosts {
				_, ok := r.Get(strconv.Itoa(i))
				require.True(t, ok)
			}
			return
		default:
			r.Sweep(context.Background())
			r.Stats()
		}
	}
}
