package detector

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func logWithLimit(limit int64) *StallLog {
	l := &StallLog{}
	l.setLimit(limit)
	return l
}

// A history is a random one, in a log and in the model.
func history(rnd *rand.Rand) (*StallLog, *model) {
	limit := int64(rnd.IntN(5))
	l, m := logWithLimit(limit), newModel(limit)
	for now := int64(0); now < 60; {
		now += int64(rnd.IntN(2 + rnd.IntN(8)))
		sweep := rnd.IntN(2) == 0
		l.Observe(now)
		if sweep {
			l.sweepBegins(now)
		}
		m.observe(now, sweep)
	}
	return l, m
}

func TestAStallLogAgainstAModel(t *testing.T) {
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		l, m := history(rnd)
		total := int64(0)
		for _, s := range m.stalls {
			total += s.Length()
		}
		require.Equal(t, total, l.total, "seed %d", seed)
		require.Len(t, l.stalls, len(m.stalls))
		for now := m.last; now < m.last+12; now++ {
			for x := range now + 1 {
				want := m.stallTime(x, now)
				if got := l.StallTime(x, now); got != want {
					t.Fatalf("seed %d: stalled %d from %d to %d, not %d: %+v", seed, got, x, now, want, m)
				}
				if l.ObservedTime(x, now) != now-x-want {
					t.Fatalf("seed %d: %d", seed, l.ObservedTime(x, now))
				}
			}
			a := int64(rnd.IntN(int(now + 1)))
			b := a + int64(rnd.IntN(int(now-a+1)))
			want := m.stallTime(a, now) - m.stallTime(b, now)
			require.Equal(t, want, l.Between(a, b, now))
		}
	}
}

func TestDueAgainstAModel(t *testing.T) {
	passed := 0
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		l, m := history(rnd)
		for range 30 {
			x := someTimeouts(rnd)
			now := m.last + int64(rnd.IntN(10))
			seen := int64(rnd.IntN(int(now + 1)))
			until := seen + 1 + int64(rnd.IntN(int(now-seen+1)))
			wantAt, want := m.due(seen, x, until)
			at, ok := l.Due(seen, x, until)
			require.Equal(t, want, ok, "seed %d: %+v from %d until %d: %+v", seed, x, seen, until, m)
			if ok {
				passed++
				require.Equal(t, wantAt, at, "seed %d", seed)
			} else if x.Evict > 0 {
				require.GreaterOrEqual(t, at, min(until, m.last+1), "seed %d", seed)
			}
		}
	}
	require.Greater(t, passed, 5_000)
}

// walk is Due in plain: from stall to stall.
func (l *StallLog) walk(seen int64, t *Timeouts, until int64) (at int64, passed bool) {
	stalled, last := int64(0), (*Stall)(nil)
	deadline := func() int64 {
		at := seen + stalled + int64(t.Evict)
		if last != nil {
			at = max(at, min(last.To+int64(t.Interval)+last.Limit, at+int64(t.Evict)))
		}
		return at
	}
	for i := range l.stalls {
		s := &l.stalls[i]
		if s.To > seen {
			if at = deadline(); at < s.From && at+1 < until {
				return at + 1, true
			}
			stalled += s.To - max(s.From, seen)
		}
		last = s
	}
	at = deadline() + 1
	return at, at < until
}

// Whatever the stalls, also those that are forgotten: a search finds what a walk finds.
func TestASearchFindsWhatAWalkFinds(t *testing.T) {
	for seed := range uint64(140) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		some := func(most int) int64 { return rnd.Int64N(int64(most)) }
		l, from, apart := &StallLog{}, int64(0), 1+rnd.IntN(30)
		begin := from
		for range []int{0, 1, 3, 70, 700, maxStalls + 500, 3 * maxStalls}[seed%7] {
			from += some(apart)
			if rnd.IntN(100) == 0 {
				from += some(40 * apart)
			}
			to := from + 1 + some(20)
			require.True(t, l.Append(from, to, 1+some(apart)))
			from = to
		}
		require.LessOrEqual(t, len(l.stalls), maxStalls)
		for range 300 {
			if len(l.stalls) > 0 && rnd.IntN(2) == 0 {
				begin = l.stalls[0].From
			}
			x := &Timeouts{Interval: time.Duration(1 + some(2*apart)), Evict: time.Duration(1 + some(10+rnd.IntN(1+20*len(l.stalls))))}
			seen := begin + some(2+int(from-begin))
			until := seen + 1 + some(2+int(from-begin))
			wantAt, want := l.walk(seen, x, until)
			at, passed := l.Due(seen, x, until)
			require.Equal(t, want, passed, "seed %d", seed)
			require.Equal(t, wantAt, at, "seed %d", seed)
		}
	}
}

// A search takes far fewer steps than a walk, whether a deadline passes among the stalls or after
// them.
func TestASearchIsShorterThanAWalk(t *testing.T) {
	l := &StallLog{}
	for i := range int64(maxStalls - 1) {
		require.True(t, l.Append(10*i, 10*i+5, 1))
	}
	for _, evict := range []time.Duration{4 * maxStalls, time.Hour} {
		x := &Timeouts{Interval: time.Hour, Evict: evict}
		search := least(func() { l.Due(0, x, int64(time.Minute)) })
		walk := least(func() { l.walk(0, x, int64(time.Minute)) })
		require.Less(t, 4*search, walk, "which takes some thousand steps")
	}
}

// least is how long it takes when it is disturbed least.
func least(do func()) time.Duration {
	best := time.Hour
	for range 50 {
		began := time.Now()
		for range 5 {
			do()
		}
		best = min(best, time.Since(began))
	}
	return best
}

func TestAppend(t *testing.T) {
	var l StallLog
	require.True(t, l.Append(10, 20, 5))
	require.False(t, l.Append(19, 30, 5), "it begins in the one before")
	require.False(t, l.Append(20, 20, 5), "it has no length")
	require.True(t, l.Append(20, 30, 5))
	require.EqualValues(t, 20, l.StallTime(0, 100))
	require.EqualValues(t, 30, l.LastObserved())
}

// A registry that stalls again and again, for years, remembers the latest stalls.
func TestStallsTakeBoundedMemory(t *testing.T) {
	l := logWithLimit(1)
	for i := range int64(100_000) {
		require.EqualValues(t, 9, l.Observe(10*i+9))
		l.Observe(10*i + 10)
		l.sweepBegins(10*i + 10)
	}
	require.LessOrEqual(t, cap(l.stalls), 2*maxStalls)
	require.LessOrEqual(t, cap(l.pauses), 2*maxStalls/blockSize)
	require.EqualValues(t, 100_000, l.count)
	require.EqualValues(t, 900_000, l.total)
	require.EqualValues(t, 9_000, l.StallTime(990_000, 1_000_000))
}

func TestTimeThatGoesBackIsNoStall(t *testing.T) {
	l := logWithLimit(1)
	l.Observe(10)
	require.Zero(t, l.Observe(5))
	require.EqualValues(t, 10, l.LastObserved())
	require.Zero(t, l.Observe(11))
	require.EqualValues(t, 1, l.count)
}

// A log that is forged may have stalls, limits and silences of any length.
func TestDueAtTheLimits(t *testing.T) {
	var l StallLog
	require.True(t, l.Append(1, Never-1, Never))
	for _, evict := range []time.Duration{1, second, MaxTimeout} {
		at, passed := l.Due(0, &Timeouts{Interval: 24 * time.Hour, Evict: evict}, Never+1)
		require.False(t, passed)
		require.Greater(t, at, Never-1)
	}
	at, passed := l.Due(0, &Timeouts{Interval: second}, Never)
	require.False(t, passed)
	require.Greater(t, at, Never)
}
