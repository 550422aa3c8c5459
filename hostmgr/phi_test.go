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

// A scriptedPolicy is a HistoryPolicy that records the histories that it gets, and answers as the
// test says.
type scriptedPolicy struct {
	got    []hostmgr.History
	answer func(hostmgr.History) (suspect, evict time.Duration)
}

func (p *scriptedPolicy) NeedsHistory() bool { return true }

func (p *scriptedPolicy) Timeouts(history hostmgr.History) (suspect, evict time.Duration) {
	p.got = append(p.got, history)
	if p.answer != nil {
		return p.answer(history)
	}
	return 0, 100 * history.Interval
}

func TestPhiAccrualComputesTheTimeoutOfItsThreshold(t *testing.T) {
	p := hostmgr.History{Interval: 10 * second, Mean: 10 * second, Deviation: second, Count: 100}
	for _, phi := range []float64{0.5, 1, 2, 3, 5, 8, 12} {
		suspect, evict := hostmgr.PhiAccrual{Threshold: phi, MaxOverdue: time.Hour}.Timeouts(p)
		late := (suspect - p.Mean).Seconds()
		chance := math.Erfc(late/math.Sqrt2) / 2
		require.InEpsilon(t, phi, -math.Log10(chance), 0.2, "phi %v: %v", phi, suspect)
		require.Equal(t, max(2*suspect, 2*p.Interval), evict)
	}
	before := time.Duration(0)
	for _, phi := range []float64{0.5, 1, 8, 100, 400, 1e4, 1e6} {
		suspect, _ := hostmgr.PhiAccrual{Threshold: phi, MaxOverdue: 1e6 * time.Hour}.Timeouts(p)
		require.Greater(t, suspect, before, "phi %v", phi)
		before = suspect
	}
}

func TestPhiAccrualStaysWithinItsBounds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	for range 10_000 {
		p := hostmgr.History{
			Interval: time.Duration(1+rnd.Int64N(int64(time.Hour))) + 10*time.Millisecond, Count: rnd.Uint64N(20),
			Mean: time.Duration(rnd.Int64N(1 << rnd.IntN(63))), Deviation: time.Duration(rnd.Int64N(1 << rnd.IntN(63))),
		}
		a := hostmgr.PhiAccrual{Threshold: 0.5 + rnd.ExpFloat64()*10}
		minOverdue, maxOverdue := min(p.Interval, 5*time.Minute), 5*time.Minute
		if rnd.IntN(2) == 0 {
			minOverdue = time.Duration(1 + rnd.Int64N(int64(time.Hour)))
			maxOverdue = minOverdue + time.Duration(rnd.Int64N(int64(time.Hour)))
			a.MinOverdue, a.MaxOverdue = minOverdue, maxOverdue
		}
		suspect, evict := a.Timeouts(p)
		require.GreaterOrEqual(t, evict, p.Interval+minOverdue, "%+v %+v", a, p)
		require.LessOrEqual(t, evict, p.Interval+maxOverdue, "%+v %+v", a, p)
		require.GreaterOrEqual(t, suspect, p.Interval, "%+v %+v", a, p)
		require.Less(t, suspect, evict, "%+v %+v", a, p)
	}
}

func TestAHistoryPolicyGetsTheHistory(t *testing.T) {
	p := &scriptedPolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p, StallThreshold: second / 2})
	s.join("a")
	rnd := rand.New(rand.NewPCG(1, 10))
	mean, variance := 0.0, 0.0
	for n := 1.0; n <= 200; n++ {
		gap := 700*time.Millisecond + time.Duration(rnd.Int64N(int64(second)))
		for left := gap; left > 0; left -= 100 * time.Millisecond {
			s.after(min(left, 100*time.Millisecond))
		}
		if n == 50 { // a stall, which is not part of the gap
			s.after(10 * second)
		}
		if int(n)%3 == 0 {
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		} else {
			s.heartbeat("a")
		}
		weight := max(1/n, 1.0/64)
		d := gap.Seconds() - mean
		mean += weight * d
		variance = (1 - weight) * (variance + weight*d*d)
		got := p.got[len(p.got)-1]
		require.Equal(t, second, got.Interval)
		require.EqualValues(t, n, got.Count)
		require.InDelta(t, mean, got.Mean.Seconds(), 1e-5)
		require.InDelta(t, math.Sqrt(variance), got.Deviation.Seconds(), 1e-4)
	}
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 2 * second})
	asked := len(p.got)
	s.after(second)
	s.heartbeat("a")
	require.Equal(t, hostmgr.History{Interval: 2 * second, Mean: second, Count: 1}, p.got[asked], "another interval begins another history")
}

func TestOtherPoliciesGetNoHistory(t *testing.T) {
	var got []hostmgr.History
	s := newScript(t, hostmgr.Config[string]{Shadow: &scriptedPolicy{}, Policy: policyFunc(func(p hostmgr.History) (time.Duration, time.Duration) {
		got = append(got, p)
		return 0, 100 * p.Interval
	})})
	s.join("a")
	s.after(second)
	s.heartbeat("a")
	for _, p := range got {
		require.Equal(t, hostmgr.History{Interval: second}, p)
	}
}

func TestPhiAccrualGivesIrregularHostsMoreTime(t *testing.T) {
	var cleanups cleanupLog
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{}, Cleanup: cleanups.cleanup})
	s.join("regular")
	s.join("irregular")
	for i := range 300 {
		s.after(second)
		s.heartbeat("regular")
		if i%3 == i/10%3 { // every third time, sometimes one earlier or later
			s.heartbeat("irregular")
		}
	}
	regular, other := s.get("regular"), s.get("irregular")
	require.Less(t, regular.SuspectAt.Sub(regular.LastContact), 1200*time.Millisecond)
	require.Less(t, regular.EvictAt.Sub(regular.LastContact), 2500*time.Millisecond)
	require.Greater(t, regular.EvictAt.Sub(regular.LastContact), 2*second, "one lost heartbeat does not evict")
	require.Greater(t, other.EvictAt.Sub(other.LastContact), 6*second)
	require.Less(t, other.EvictAt.Sub(other.LastContact), 30*second)

	rep := s.after(regular.SuspectAt.Sub(s.clock.Now()) + 1)
	require.Equal(t, 1, rep.Suspected)
	s.after(regular.EvictAt.Sub(s.clock.Now()))
	require.False(t, s.gone("regular"))
	s.after(1)
	require.True(t, s.gone("regular"))
	s.after(30 * second)
	require.True(t, s.gone("irregular"))
	e := cleanups.departures[0]
	require.Greater(t, e.Silence, e.Timeout)
	require.EqualValues(t, 300, e.Count)
	require.Equal(t, second, e.Mean)
	require.Contains(t, e.Reason(), "learned from 300 contacts every 1s ± 0s")
}

// The timeout changes with each heartbeat, in both directions. A driver that follows Next evicts
// each host right after its deadline all the same.
func TestDeadlinesFromAHistoryAreKept(t *testing.T) {
	for seed := range uint64(times(30, 3000)) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		p := &scriptedPolicy{answer: func(p hostmgr.History) (time.Duration, time.Duration) {
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

// A sweep checks a host with a long timeout, so its next check is far off. Then a heartbeat makes
// the timeout short.
func TestATimeoutThatShrinksIsFollowed(t *testing.T) {
	p := &scriptedPolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.sweepUntil(s.clock.Now().Add(5 * second))
	p.answer = func(p hostmgr.History) (time.Duration, time.Duration) { return 1, 2 * p.Interval }
	s.heartbeat("a")
	h := s.get("a")
	require.Equal(t, second, h.SuspectAt.Sub(h.LastContact), "a suspicion does not come before the interval is over")
	s.sweepUntil(h.EvictAt)
	require.False(t, s.gone("a"))
	s.sweepUntil(h.EvictAt.Add(1))
	require.True(t, s.gone("a"))
}

func TestAStallAfterAHeartbeatIsNotPartOfTheGapBeforeIt(t *testing.T) {
	p := &scriptedPolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p, StallThreshold: second})
	s.join("a")
	s.after(second)
	s.after(second)
	s.after(10 * second)
	require.NoError(t, s.Observe("a", 0, 10*second))
	require.Equal(t, hostmgr.History{Interval: second, Mean: 2 * second, Count: 1}, p.got[len(p.got)-1])
}

// sweepUntil lets time pass, and sweeps when Next says so.
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

func TestAnInvalidAnswerToAHistoryIsReplaced(t *testing.T) {
	p := &scriptedPolicy{}
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	p.answer = func(hostmgr.History) (time.Duration, time.Duration) { panic("on purpose") }
	s.after(second)
	s.heartbeat("a")
	require.EqualValues(t, 1, s.Stats().PolicyErrors)
	h := s.get("a")
	require.Equal(t, 2*second, h.EvictAt.Sub(h.LastContact))
	p.answer = func(hostmgr.History) (time.Duration, time.Duration) { return 1, second / 2 }
	s.after(second)
	s.heartbeat("a")
	require.EqualValues(t, 2, s.Stats().PolicyErrors)
}

func TestAnInvalidPhiAccrualIsAnError(t *testing.T) {
	for _, a := range []hostmgr.PhiAccrual{
		{Threshold: -1}, {Threshold: 0.1}, {Threshold: math.NaN()}, {Threshold: math.Inf(1)}, {MinOverdue: -1}, {MaxOverdue: -1},
		{MinOverdue: 10 * time.Minute}, {MinOverdue: 2 * second, MaxOverdue: second}, {MaxOverdue: 1}, {MaxOverdue: time.Millisecond - 1}, {MaxOverdue: math.MaxInt64},
	} {
		_, err := hostmgr.New(hostmgr.Config[string]{Policy: a})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", a)
		_, err = hostmgr.New(hostmgr.Config[string]{Shadow: a})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", a)
	}
}

// Heartbeats, sweeps, and joins that make the index grow run at the same time. Hosts with
// heartbeats stay.
func TestHistoriesWhileTheIndexChanges(t *testing.T) {
	var evicted []string
	r, err := hostmgr.New(hostmgr.Config[string]{
		Policy: hostmgr.PhiAccrual{MinOverdue: time.Minute}, Shadow: hostmgr.Fixed(2),
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
