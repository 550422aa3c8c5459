package index

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// Thousands of hosts with intervals of their own, in many buckets, are touched, leave, join for a
// moment, and change their intervals. A sweep at each NextDeadline evicts each of them one
// nanosecond after its deadline, and never checks in vain for long.
func TestOfThousandsEachIsEvictedRightAfterItsDeadline(t *testing.T) {
	const hosts = 7000
	x := New(valuesOf[string](), false)
	rnd := rand.New(rand.NewPCG(3, 4))
	random := func() *detector.Timeouts { return every(time.Duration(1000+rnd.IntN(60_000)) * time.Millisecond) }
	deadline := map[string]int64{}
	join := func(id string, timeouts *detector.Timeouts, now int64) {
		insert(x, id, 0, timeouts, now)
		deadline[id] = now + int64(timeouts.Evict) + 1
	}
	for i := range hosts {
		join(fmt.Sprint(i), random(), 0)
	}
	evicted := 0
	for step := 0; x.Len() > 0; step++ {
		require.Less(t, step, 20*hosts, "NextDeadline names one time after the other, and nothing is done")
		now := x.NextDeadline()
		for more := true; more; {
			_, more = x.SweepNext(now, now, func(e Entry) int64 {
				if at := ContactOf(e.Word()) + int64(e.Timeouts().Evict) + 1; at > now {
					return at
				}
				if deadline[e.ID()] != now {
					t.Fatalf("host %s is evicted at %d, not %d", e.ID(), now, deadline[e.ID()])
				}
				require.True(t, e.Evict(e.Word()))
				delete(deadline, e.ID())
				x.Remove(e)
				evicted++
				return never
			})
		}
		id := fmt.Sprint(rnd.IntN(hosts))
		e, ok := x.Lookup(x.Hash(id), id)
		if step >= hosts || !ok {
			continue
		}
		switch rnd.IntN(5) {
		case 0:
			if short := "short-lived " + id; deadline[short] == 0 {
				join(short, every(10*time.Millisecond), now)
			}
		case 1:
			delete(deadline, id)
			end(x, e)
		case 2:
			timeouts := random()
			e.Touch(now)
			e.SetTimeouts(timeouts)
			x.Lower(e, now+timeouts.MinTimeout(false)+1)
			deadline[id] = now + int64(timeouts.Evict) + 1
		default:
			e.Touch(now)
			deadline[id] = now + int64(e.Timeouts().Evict) + 1
		}
	}
	require.Empty(t, deadline)
	require.Greater(t, evicted, hosts/2)
}

func TestASweepChecksOnlyHostsWhoseTimeoutHasPassed(t *testing.T) {
	x := New(valuesOf[string](), false)
	insert(x, "a", 1, everySecond, 0)
	b := insert(x, "b", 2, everySecond, 0)
	b.Touch(second)
	var checked []string
	check := func(e Entry) int64 {
		checked = append(checked, e.ID())
		return 5 * second
	}
	scanned, more := x.SweepNext(2*second+1, 2*second+1, check)
	require.Equal(t, 2, scanned)
	require.False(t, more)
	require.Equal(t, []string{"a"}, checked)
	require.Equal(t, 3*second+1, x.NextDeadline(), "of b")
}

// Up to 8 buckets without due hosts are checked at once, by their words alone.
func TestASweepChecksAFewIdleBucketsAtOnce(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 20_000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	for i := range 20_000 {
		e, _ := x.Lookup(x.Hash(fmt.Sprint(i)), fmt.Sprint(i))
		e.Touch(second)
	}
	check := func(e Entry) int64 {
		t.Fatal("not due")
		return 0
	}
	buckets, scanned, steps := len(x.deadlines), 0, 0
	for more := true; more; steps++ {
		n := 0
		n, more = x.SweepNext(2*second+1, 2*second+1, check)
		scanned += n
	}
	require.Equal(t, 20_000, scanned)
	require.Equal(t, (buckets+idleBuckets-1)/idleBuckets, steps)
	require.Equal(t, 3*second+1, x.NextDeadline())
}

func TestADeadlineThatNeverComes(t *testing.T) {
	x := New(valuesOf[string](), false)
	require.Equal(t, never, x.NextDeadline())
	insert(x, "a", 1, &detector.Timeouts{Interval: time.Second}, 0)
	require.Zero(t, evictDue(x, 1<<60))
	require.Equal(t, 1, x.Len())
}

// The slot of a registration that has ended says nothing to a sweep, whatever the timeouts of
// others.
func TestASweepSkipsWhatHasEnded(t *testing.T) {
	x := New(valuesOf[string](), false)
	insert(x, "gone", 1, &detector.Timeouts{Interval: time.Hour}, 0)
	e := insert(x, "suspect", 2, everySecond, 0)
	e.MarkSuspect(e.Word())
	insert(x, "dies", 3, everySecond, 0)
	endID(t, x, "gone")
	endID(t, x, "suspect")
	require.Equal(t, 1, evictDue(x, 3*second))
	require.Zero(t, x.Len())
}

func TestASuspectWaitsForItsEviction(t *testing.T) {
	x := New(valuesOf[string](), false)
	e := insert(x, "a", 1, &detector.Timeouts{Interval: time.Second, Suspect: 2 * time.Second, Evict: 10 * time.Second}, 0)
	checked := 0
	suspect := func(e Entry) int64 {
		checked++
		e.SetSuspect(true)
		require.True(t, e.MarkSuspect(e.Word()))
		return 10*second + 1
	}
	x.SweepNext(2*second+1, 2*second+1, suspect)
	x.SweepNext(9*second, 9*second, suspect)
	require.Equal(t, 1, checked)
	require.True(t, e.Suspect())
	e.SetSuspect(false)
	require.False(t, e.Suspect())
	require.Equal(t, 1, evictDue(x, 10*second+1))
}

func TestMayBeDueYieldsABucketOnlyIfAHostMayBeDue(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 5000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	for _, e := range []int64{2 * second, 2*second + 1} {
		n := 0
		for _, h := range x.DueBuckets(2*second + 1) {
			x.MayBeDue(h, e, func(Entry) { n++ })
		}
		require.Equal(t, e > 2*second, n == 5000, n)
	}
	require.Empty(t, x.DueBuckets(2*second))
}
