package flight

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// walk is due in plain: from stall to stall.
func (t *trial) walk() (due bool, deadline time.Time) {
	excused, last := time.Duration(0), (*stall)(nil)
	for i := range t.stalls {
		s := &t.stalls[i]
		if s.to.After(t.Seen) {
			deadline = t.put(last, t.Seen.Add(excused+t.evict))
			if deadline.Before(s.from) && deadline.Before(t.end()) {
				return true, deadline
			}
			excused += s.to.Sub(latest(s.from, t.Seen))
		}
		last = s
	}
	deadline = t.put(last, t.Seen.Add(excused+t.evict))
	return deadline.Before(t.end()), deadline
}

func (t *trial) put(last *stall, deadline time.Time) time.Time {
	if last == nil {
		return deadline
	}
	put := last.to.Add(t.Pulse.Interval + last.limit)
	if most := deadline.Add(t.evict); most.Before(put) {
		put = most
	}
	return latest(deadline, put)
}

// Whatever the stalls, also those that are forgotten: what is found by search is what a walk finds.
func TestASearchFindsWhatAWalkFinds(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		some := func(most int) time.Duration { return time.Duration(rnd.IntN(most)) }
		var stalls []stall
		from, apart := time.Unix(0, 0), 1+rnd.IntN(30)
		begin, count := from, []int{0, 1, 3, 70, 700, maxStalls + 500, 3 * maxStalls}[seed%7]
		for range count {
			from = from.Add(some(apart))
			if rnd.IntN(100) == 0 {
				from = from.Add(some(40 * apart))
			}
			to := from.Add(1 + some(20))
			stalls = remember(stalls, stall{from: from, to: to, limit: 1 + some(apart)})
			from = to
		}
		for range 300 {
			if len(stalls) > 0 && rnd.IntN(2) == 0 {
				begin = stalls[0].from
			}
			r := Record{Pulse: hostmgr.Pulse{Interval: 1 + some(2*apart)}}
			r.Seen = begin.Add(some(2 + int(from.Sub(begin))))
			r.At = r.Seen.Add(some(2 + int(from.Sub(begin))))
			if rnd.IntN(4) == 0 {
				r.Deaf = r.Seen.Add(some(100))
			}
			x := trial{&r, stalls, 1 + some(10+rnd.IntN(1+20*len(stalls)))}
			wantDue, want := x.walk()
			due, deadline := x.due()
			require.Equal(t, wantDue, due, "seed %d: %+v", seed, r)
			require.True(t, want.Equal(deadline), "seed %d: %+v: %v, not %v", seed, r, deadline, want)
		}
	}
}

// A line costs far less than a walk along the stalls within its silence.
func TestALineAfterManyStalls(t *testing.T) {
	start := time.Unix(0, 0)
	var stalls []stall
	for i := range time.Duration(maxStalls - 1) {
		from := start.Add(10 * i)
		stalls = remember(stalls, stall{from: from, to: from.Add(5), limit: 1})
	}
	for _, evict := range []time.Duration{4 * maxStalls, time.Hour} { // a deadline among and after them
		r := Record{Seen: start, At: start.Add(time.Minute), Pulse: hostmgr.Pulse{Interval: time.Hour}}
		x := trial{&r, stalls, evict}
		require.Less(t, 4*least(x.due), least(x.walk), "which takes some thousand steps")
	}
}

// least is how long it takes when it is disturbed least.
func least(due func() (bool, time.Time)) time.Duration {
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
