package flight

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// walk computes the same as due in the simple way: from stall to stall.
func (s *silence) walk() (due bool, deadline time.Time) {
	stalled, last := time.Duration(0), (*stall)(nil)
	for i := range s.stalls {
		x := &s.stalls[i]
		if x.to.After(s.LastContact) {
			deadline = s.afterStall(last, s.LastContact.Add(stalled+s.evictAfter))
			if deadline.Before(x.from) && deadline.Before(s.end()) {
				return true, deadline
			}
			stalled += x.to.Sub(latest(x.from, s.LastContact))
		}
		last = x
	}
	deadline = s.afterStall(last, s.LastContact.Add(stalled+s.evictAfter))
	return deadline.Before(s.end()), deadline
}

func (s *silence) afterStall(last *stall, deadline time.Time) time.Time {
	if last == nil {
		return deadline
	}
	until := last.to.Add(s.History.Interval + last.limit)
	if limit := deadline.Add(s.evictAfter); limit.Before(until) {
		until = limit
	}
	return latest(deadline, until)
}

// The search finds the same deadline as a walk, also where older stalls were dropped.
func TestTheSearchFindsWhatAWalkFinds(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		some := func(limit int) time.Duration { return time.Duration(rnd.IntN(limit)) }
		var stalls []stall
		from, apart := time.Unix(0, 0), 1+rnd.IntN(30)
		begin, count := from, []int{0, 1, 3, 70, 700, maxStalls + 500, 3 * maxStalls}[seed%7]
		for range count {
			from = from.Add(some(apart))
			if rnd.IntN(100) == 0 {
				from = from.Add(some(40 * apart))
			}
			to := from.Add(1 + some(20))
			stalls = appendStall(stalls, stall{from: from, to: to, limit: 1 + some(apart)})
			from = to
		}
		for range 300 {
			if len(stalls) > 0 && rnd.IntN(2) == 0 {
				begin = stalls[0].from
			}
			r := Record{History: hostmgr.History{Interval: 1 + some(2*apart)}}
			r.LastContact = begin.Add(some(2 + int(from.Sub(begin))))
			r.At = r.LastContact.Add(some(2 + int(from.Sub(begin))))
			if rnd.IntN(4) == 0 {
				r.StalledSince = r.LastContact.Add(some(100))
			}
			x := silence{&r, stalls, 1 + some(10+rnd.IntN(1+20*len(stalls)))}
			wantDue, want := x.walk()
			due, deadline := x.due()
			require.Equal(t, wantDue, due, "seed %d: %+v", seed, r)
			require.True(t, want.Equal(deadline), "seed %d: %+v: %v, not %v", seed, r, deadline, want)
		}
	}
}

// The search is far faster than a walk along the stalls of a silence.
func TestASearchAmongManyStallsIsFast(t *testing.T) {
	start := time.Unix(0, 0)
	var stalls []stall
	for i := range time.Duration(maxStalls - 1) {
		from := start.Add(10 * i)
		stalls = appendStall(stalls, stall{from: from, to: from.Add(5), limit: 1})
	}
	for _, evict := range []time.Duration{4 * maxStalls, time.Hour} { // a deadline among the stalls, and one after them
		r := Record{LastContact: start, At: start.Add(time.Minute), History: hostmgr.History{Interval: time.Hour}}
		x := silence{&r, stalls, evict}
		require.Less(t, 4*fastest(x.due), fastest(x.walk), "a walk takes thousands of steps")
	}
}

// fastest returns the shortest time of many calls: the one that was disturbed least.
func fastest(due func() (bool, time.Time)) time.Duration {
	best := time.Hour
	for range 50 {
		began := time.Now()
		for range 5 {
			due()
		}
		best = min(best, time.Since(began))
	}
	return best
}
