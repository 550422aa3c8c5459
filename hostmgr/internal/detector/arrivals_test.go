package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Each host of a policy with history has one.
func TestArrivalsAreSmall(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Arrivals{}), uintptr(64))
}

// Mean and deviation are those of all gaps, while these are few; of more, the latest count most.
func TestMeanAndDeviation(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		var a Arrivals
		var gaps []float64
		mean, variance := 0.0, 0.0
		for n := 1.0; n <= 300; n++ {
			gap := 900*time.Millisecond + time.Duration(rnd.Int64N(int64(300*time.Millisecond)))
			a.Add(int64(gap), second)
			gaps = append(gaps, gap.Seconds())
			weight := max(1/n, 1.0/64)
			d := gap.Seconds() - mean
			mean += weight * d
			variance = (1 - weight) * (variance + weight*d*d)
			if n <= 64 {
				require.InDelta(t, average(gaps), mean, 1e-9)
			}
			h := a.History(second)
			require.Equal(t, second, h.Interval)
			require.EqualValues(t, n, h.Count)
			require.InDelta(t, mean, h.Mean.Seconds(), 1e-5)
			require.InDelta(t, math.Sqrt(variance), h.Deviation.Seconds(), 1e-4)
		}
	}
}

func average(list []float64) (mean float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	return mean
}

func added(gaps int, gap, interval time.Duration) *Arrivals {
	a := &Arrivals{}
	for range gaps {
		a.Add(int64(gap), interval)
	}
	return a
}

// A single gap counts as 4 deviations at most, however long it is.
func TestOneGapHasABoundedInfluence(t *testing.T) {
	for _, gap := range []time.Duration{10 * second, time.Hour, 30 * 24 * time.Hour} {
		a := added(100, second, second)
		a.Add(int64(gap), second)
		h := a.History(second)
		require.LessOrEqual(t, h.Mean, second+10*time.Millisecond)
		require.Less(t, h.Deviation, 65*time.Millisecond)

		early := added(3, second, second)
		early.Add(int64(gap), second)
		require.LessOrEqual(t, early.History(second).Mean, 1250*time.Millisecond+1000)
		first := added(1, gap, second)
		require.InDelta(t, 2*second, first.History(second).Mean, 200)
	}
}

// A long gap among the first ones has lost its influence some gaps later.
func TestAnEarlyGapLosesItsInfluence(t *testing.T) {
	for before := range 8 {
		a := added(before, second, second)
		a.Add(int64(time.Hour), second)
		for range 24 {
			a.Add(int64(second), second)
		}
		h := a.History(second)
		require.Less(t, h.Mean+5*h.Deviation, 4*second, "after %d gaps", before)
	}
}

// A host whose gaps become longer for good is learned nonetheless.
func TestLongerGapsAreLearned(t *testing.T) {
	for gap, gaps := range map[time.Duration]int{
		1500 * time.Millisecond: 8, 1800 * time.Millisecond: 10, 2 * second: 12, 3 * second: 20, 6 * second: 30, 12 * second: 40,
	} {
		a := added(1000, second, second)
		for range gaps {
			a.Add(int64(gap), second)
		}
		h := a.History(second)
		require.Greater(t, h.Mean+5*h.Deviation, gap)
	}
}

// An answer counts unless there was a reset, an Outdate, or an answer to a longer history, since the
// policies were asked: whatever the order in which the answers come.
func TestAnswersAgainstAModel(t *testing.T) {
	type question struct {
		asked Arrivals
		epoch int
		evict time.Duration
	}
	rapid.Check(t, func(t *rapid.T) {
		var a Arrivals
		var open []question
		epoch, best, evict := 0, int64(-1), 7*second // best: the count of the best answer of this epoch
		told := History{Interval: second}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 10).Draw(t, "step") {
			case 0:
				a.Reset()
				epoch, best, evict, told = epoch+1, -1, 7*second, History{Interval: second}
			case 10:
				a.Outdate()
				epoch, best = epoch+1, -1
			case 1, 2, 3:
				a.Add(rapid.Int64Range(0, int64(5*second)).Draw(t, "gap"), second)
			case 4, 5, 6:
				open = append(open, question{a, epoch, time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "evict"))})
			default:
				if len(open) == 0 {
					break
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "question")
				q := open[i]
				open = append(open[:i:i], open[i+1:]...)
				a.Answer(&Timeouts{Suspect: q.evict / 2, Evict: q.evict, Shadow: q.evict + 1}, &q.asked)
				if h := q.asked.History(second); q.epoch == epoch && int64(h.Count) > best {
					best, evict, told = int64(h.Count), q.evict, h
				}
			}
			got := a.Override(Timeouts{Interval: second, Suspect: 7 * second / 2, Evict: 7 * second, Shadow: 7*second + 1})
			require.Equal(t, Timeouts{Interval: second, Suspect: evict / 2, Evict: evict, Shadow: evict + 1}, got)
			require.Equal(t, told, a.Answered(second))
		}
	})
}
