package index

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// withHistory are timeouts that a policy may change with each contact.
var withHistory = &detector.Timeouts{Interval: time.Second, Evict: 10 * time.Second, NeedsHistory: true}

// asked has a host learn a gap, and returns what a policy is asked about then.
func asked(t testing.TB, e Entry) *detector.Arrivals {
	require.True(t, e.Learn(second))
	history, interval, current := e.Arrivals()
	require.True(t, current)
	require.Equal(t, time.Second, interval)
	return &history
}

func TestAnAnswerOverridesTheTimeouts(t *testing.T) {
	x := New(valuesOf[string](), true)
	e := insert(x, "a", 1, withHistory, 0)
	require.Equal(t, *withHistory, e.EffectiveTimeouts())
	history := asked(t, e)
	require.True(t, e.Answer(&detector.Timeouts{Suspect: 2 * time.Second, Evict: 3 * time.Second}, history))
	timeouts, answered := e.Learned()
	require.Equal(t, timeouts, e.EffectiveTimeouts())
	require.Equal(t, 3*time.Second, timeouts.Evict)
	require.Equal(t, history.History(time.Second), answered)

	longer := *withHistory
	longer.Interval *= 2
	e.SetTimeouts(&longer)
	require.Equal(t, longer, e.EffectiveTimeouts(), "with the history its answer is forgotten")
	require.True(t, e.Answer(timeoutsOf(5*time.Second), history))
	require.Equal(t, longer, e.EffectiveTimeouts(), "an answer to what was forgotten")
}

// The policies may answer otherwise from now on. The history stays, and so does the latest answer
// until the next one comes. An answer to a question of before comes too late.
func TestAnOutdatedAnswerCountsUntilTheNext(t *testing.T) {
	for name, outdate := range map[string]func(Entry){
		"Outdate":     Entry.Outdate,
		"SetTimeouts": func(e Entry) { other := *withHistory; other.Evict *= 2; e.SetTimeouts(&other) },
	} {
		t.Run(name, func(t *testing.T) {
			e := insert(New(valuesOf[string](), true), "a", 1, withHistory, 0)
			history := asked(t, e)
			require.True(t, e.Answer(timeoutsOf(3*time.Second), history))
			outdate(e)
			require.True(t, e.Answer(timeoutsOf(4*time.Second), history))
			require.Equal(t, 3*time.Second, e.EffectiveTimeouts().Evict)
			same, _, _ := e.Arrivals()
			require.Equal(t, history.History(time.Second), same.History(time.Second))
			require.True(t, e.Answer(timeoutsOf(5*time.Second), &same))
			require.Equal(t, 5*time.Second, e.EffectiveTimeouts().Evict)
		})
	}
	plain := insert(New(valuesOf[string](), false), "a", 1, everySecond, 0)
	plain.Outdate() // there is no history
}

func timeoutsOf(evict time.Duration) *detector.Timeouts { return &detector.Timeouts{Evict: evict} }

func TestAnAnswerAfterTheEndChangesNothing(t *testing.T) {
	x := New(valuesOf[string](), true)
	e := insert(x, "a", 1, withHistory, 0)
	history := asked(t, e)
	e.End()
	require.True(t, e.Answer(timeoutsOf(5*time.Second), history))
	require.Equal(t, *withHistory, e.EffectiveTimeouts())
}

// A bucket was rebuilt: its old arrivals take nothing more, and the new ones have all of them.
func TestArrivalsMoveWithTheirHosts(t *testing.T) {
	x := New(valuesOf[string](), true)
	old := insert(x, "a", 1, withHistory, 0)
	history := asked(t, old)
	require.True(t, old.Answer(timeoutsOf(5*time.Second), history))
	for i := range 5000 {
		insert(x, fmt.Sprint(i), uint64(i+2), withHistory, 0)
	}
	require.False(t, old.Learn(second))
	require.False(t, old.Answer(timeoutsOf(6*time.Second), history))
	_, _, current := old.Arrivals()
	require.False(t, current)

	e, ok := x.Current(old, "a")
	require.True(t, ok)
	require.NotEqual(t, old, e)
	require.Equal(t, 5*time.Second, e.EffectiveTimeouts().Evict)
	got, _, _ := e.Arrivals()
	require.Equal(t, history.History(time.Second), got.History(time.Second))
}

// A look at a host whose policy uses the history counts on nothing longer than its interval.
func TestTimeoutsThatMayShrinkAreCheckedAgain(t *testing.T) {
	x := New(valuesOf[string](), true)
	e := insert(x, "a", 1, withHistory, 0)
	checked := 0
	check := func(Entry) int64 { checked++; return never }
	require.Equal(t, second+1, x.NextDeadline())
	x.SweepNext(second+1, second+1, check)
	require.Equal(t, 2*second+1, x.NextDeadline(), "an interval later")
	require.Zero(t, checked)
	require.True(t, e.Answer(timeoutsOf(1500*time.Millisecond), asked(t, e)))
	x.SweepNext(2*second+1, 2*second+1, check)
	require.Equal(t, 1, checked)
}
