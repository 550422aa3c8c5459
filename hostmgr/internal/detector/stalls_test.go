package detector

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = int64(time.Millisecond)

// naive finds the most impatient host by looking at all of them, and adds up stalls one by one.
type naive struct {
	*Stalls
	tracked     []*Timeouts
	threshold   int64
	follows     bool
	last        int64
	short       int64 // limit in force
	long, every []Stall

	longCalls, shortCalls []call // since each limit changed
	longFrom, shortFrom   int64  // when the hosts were last observed before that
}

// after returns calls with times from a moment on.
func after(from int64, calls []call) (moved []call) {
	for _, c := range calls {
		moved = append(moved, call{c.at - from, c.sweep})
	}
	return moved
}

// allowed returns the longest gaps that are no stalls, for most hosts and for impatient ones.
func (n *naive) allowed() (long, short int64) {
	long, _ = drive(n.threshold, after(n.longFrom, n.longCalls))
	short, _ = drive(n.short, after(n.shortFrom, n.shortCalls))
	return long, min(long, short)
}

func (n *naive) setThreshold(threshold int64, follows bool) {
	if threshold != n.threshold {
		n.longCalls, n.longFrom = nil, n.last
	}
	n.threshold, n.follows = threshold, follows
	n.setShort(n.wanted())
}

func (n *naive) setShort(limit int64) {
	if limit != n.short {
		n.shortCalls, n.shortFrom = nil, n.last
	}
	n.short = limit
}

func (n *naive) wanted() int64 {
	limit := n.threshold
	for _, x := range n.tracked {
		if tolerance := x.Tolerance(); n.follows && n.threshold > 0 && tolerance < n.longest {
			limit = min(limit, classOf(tolerance).least())
		}
	}
	return limit
}

// observe notes a gap in each list of those whose limit it exceeds.
func (n *naive) observe(now int64) (stall, gap *Stall) {
	length := now - n.last
	longest, shortest := n.allowed()
	if n.threshold > 0 && length > longest {
		stall = &Stall{From: n.last, To: now, Limit: longest}
		n.long = append(n.long, *stall)
	}
	if n.short > 0 && length > shortest {
		gap = &Stall{From: n.last, To: now, Limit: shortest}
		if stall != nil {
			gap.Limit = longest
		}
		n.every = append(n.every, *gap)
	}
	n.last = now
	n.longCalls, n.shortCalls = append(n.longCalls, call{at: now}), append(n.shortCalls, call{at: now})
	if stall != nil {
		gap = nil
	}
	return stall, gap
}

// same compares stalls, but for what the log sums up.
func same(t *testing.T, want, got *Stall) {
	t.Helper()
	if got != nil {
		c := *got
		c.before = 0
		got = &c
	}
	require.Equal(t, want, got)
}

// track has a host come or go.
func (n *naive) track(t *testing.T, rnd *rand.Rand, now int64) {
	var x *Timeouts
	more := int32(1)
	if i := len(n.tracked); i > 0 && rnd.IntN(2) == 0 {
		i = rnd.IntN(i)
		x, more = n.tracked[i], -1
		n.tracked = append(n.tracked[:i], n.tracked[i+1:]...)
	} else {
		x = n.someTimeouts(rnd)
		n.tracked = append(n.tracked, x)
	}
	stall, gap, wake := n.Track(x, more, now)
	var wantStall, wantGap *Stall
	want := Never
	limit := n.wanted()
	if limit < n.short {
		wantStall, wantGap = n.observe(now)
		want = now + limit/2
	}
	n.setShort(limit)
	require.Equal(t, want, wake)
	same(t, wantStall, stall)
	same(t, wantGap, gap)
}

// someTimeouts are mostly those of impatient hosts.
func (n *naive) someTimeouts(rnd *rand.Rand) *Timeouts {
	x := &Timeouts{Interval: time.Duration((10 + rnd.Int64N(100)) * ms), NeedsHistory: rnd.IntN(4) == 0}
	x.Evict = x.Interval + time.Duration(rnd.Int64N(200*ms))
	x.Classify(n.longest)
	return x
}

func overlap(stalls []Stall, from, to int64) (sum int64) {
	for _, s := range stalls {
		sum += max(0, min(s.To, to)-max(s.From, from))
	}
	return sum
}

// stallTime is that of a silence that ended at over, when the registry observed its hosts.
func (n *naive) stallTime(x *Timeouts, seen, over int64) int64 {
	long := overlap(n.long, seen, over)
	if x.Tolerance() >= n.longest {
		return long
	}
	return long + min(overlap(n.every, seen, over)-long, 4*n.longest)
}

// Hosts come and go, Run begins and ends, gaps are long and short: thresholds, stalls and the stall
// time of each kind of host are those of the naive one.
func TestStallsAgainstAModel(t *testing.T) {
	stalls, gaps := 0, 0
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		n := &naive{Stalls: NewStalls(50 * ms)}
		for now := int64(0); now < 3000*ms; now += rnd.Int64N(1 + []int64{5, 20, 100}[rnd.IntN(3)]*ms) {
			switch rnd.IntN(12) {
			case 0:
				n.setThreshold([]int64{0, 20 * ms, n.longest}[rnd.IntN(3)], rnd.IntN(3) > 0)
				n.SetThreshold(n.threshold, n.follows)
			case 1, 2, 3:
				n.track(t, rnd, now)
			default:
				stall, gap := n.Observe(now)
				wantStall, wantGap := n.observe(now)
				same(t, wantStall, stall)
				same(t, wantGap, gap)
				if rnd.IntN(2) == 0 {
					n.SweepBegins(now)
					n.longCalls[len(n.longCalls)-1].sweep = true
					n.shortCalls[len(n.shortCalls)-1].sweep = true
				}
				x, seen := n.someTimeouts(rnd), max(0, now-rnd.Int64N(600*ms))
				require.Equal(t, n.stallTime(x, seen, now), n.StallTime(x, seen, now), "seed %d", seed)
				require.Equal(t, n.stallTime(x, seen, now), assess(n.Stalls, seen, x, now).StallTime)
			}
			require.Equal(t, n.short, n.Limit(), "seed %d", seed)
			require.Equal(t, n.threshold, n.Threshold())
		}
		require.EqualValues(t, len(n.long), n.Count())
		require.EqualValues(t, overlap(n.long, 0, Never), n.Total())
		stalls, gaps = stalls+len(n.long), gaps+len(n.every)-len(n.long)
		for _, x := range n.tracked {
			n.Track(x, -1, n.LastObserved())
		}
		require.False(t, n.HasImpatient())
		require.Equal(t, n.threshold, n.Limit())
	}
	require.Greater(t, stalls, 10_000)
	require.Greater(t, gaps, 10_000)
}

func TestHostsThatAreNotImpatientAreNotTracked(t *testing.T) {
	s := NewStalls(500 * ms)
	s.SetThreshold(500*ms, true)
	x := &Timeouts{Interval: second, Evict: 2 * second}
	x.Classify(s.Longest())
	_, _, wake := s.Track(x, 1, 0)
	require.Equal(t, Never, wake)
	require.False(t, s.HasImpatient())
	require.Same(t, s.Common(), s.Of(x))

	y := &Timeouts{Interval: 100 * time.Millisecond, Evict: 200 * time.Millisecond}
	y.Classify(s.Longest())
	_, _, wake = s.Track(y, 1, 0)
	require.True(t, s.HasImpatient())
	require.NotSame(t, s.Common(), s.Of(y))
	require.Equal(t, s.Limit()/2, wake)
	require.InDelta(t, 50*ms, s.Limit(), float64(50*ms)/8)

	_, gap := s.Observe(100 * ms)
	require.NotNil(t, gap)
	require.Zero(t, s.Count())
	require.Zero(t, assess(s, 0, x, 100*ms).StallTime, "it touches no other host")
	require.Equal(t, 100*ms, assess(s, 0, y, 100*ms).StallTime)
}

// On a machine whose gaps are nearly all too long for the fastest host, a host that is gone is found
// nonetheless; one long pause is no silence at all.
func TestShortGapsCountUpToABound(t *testing.T) {
	s := NewStalls(500 * ms)
	s.SetThreshold(500*ms, true)
	x := &Timeouts{Interval: 10 * time.Millisecond, Evict: 20 * time.Millisecond}
	x.Classify(s.Longest())
	s.Track(x, 1, 0)
	now := int64(0)
	for i := 1; assess(s, 0, x, now).State != StateOffline; i++ {
		if now += 400 * ms; i%8 == 0 {
			now -= 397 * ms // so the driver is not slow
		}
		s.Observe(now)
		s.SweepBegins(now)
	}
	require.InDelta(t, 4*500*ms+40*ms, now, float64(400*ms))

	s.Observe(now + 3*ms)
	s.SweepBegins(now + 3*ms)
	s.Observe(now + 400*ms)
	s.Observe(now + 4400*ms)
	require.Equal(t, StateAlive, assess(s, now+399*ms, x, now+4400*ms).State)
}
