package detector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const second = time.Second

func TestNormalize(t *testing.T) {
	for _, row := range []struct {
		name             string
		given            Timeouts
		suspect, evicted time.Duration
		err              bool
	}{
		{"as given", Timeouts{Interval: 10, Suspect: 15, Evict: 20}, 15, 20, false},
		{"nothing ever", Timeouts{Interval: 10}, 0, 0, false},
		{"with the least slack", Timeouts{Interval: 10, Evict: 11}, 0, 11, false},
		{"at the interval", Timeouts{Interval: 10, Evict: 10}, 0, 0, true},
		{"before the interval", Timeouts{Interval: 10, Evict: 9}, 0, 0, true},
		{"with 10 ms of slack", Timeouts{Interval: MaxTimeout, Evict: MaxTimeout + maxSlack}, 0, MaxTimeout, false},
		{"negative", Timeouts{Interval: 10, Suspect: -1, Evict: 20}, 0, 0, true},
		{"negative too", Timeouts{Interval: 10, Evict: -1}, 0, 0, true},
		{"suspect at the eviction", Timeouts{Interval: 10, Suspect: 20, Evict: 20}, 0, 20, false},
		{"suspect only", Timeouts{Interval: 10, Suspect: 50}, 50, 0, false},
		{"suspect within the interval", Timeouts{Interval: 10, Suspect: 5, Evict: 20}, 5, 20, false},
		{"that with a history", Timeouts{Interval: 10, Suspect: 5, Evict: 20, NeedsHistory: true}, 10, 20, false},
		{"too late with a history", Timeouts{Interval: 10, Suspect: 12, Evict: 11, NeedsHistory: true}, 0, 11, false},
		{"too long", Timeouts{Interval: 10, Suspect: MaxTimeout + 1, Evict: 1<<63 - 1}, 0, MaxTimeout, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := row.given
			if err := got.Normalize(); row.err {
				require.ErrorContains(t, err, "for an interval of 10ns")
				return
			}
			want := row.given
			want.Suspect, want.Evict = row.suspect, row.evicted
			require.Equal(t, want, got)
		})
	}
}

func TestNotable(t *testing.T) {
	plain, shadowed := Timeouts{Interval: 10}, Timeouts{Interval: 10, Shadow: 12}
	require.False(t, plain.Notable(15))
	require.True(t, plain.Notable(16))
	require.False(t, shadowed.Notable(12))
	require.True(t, shadowed.Notable(13))
}

func TestWait(t *testing.T) {
	both := Timeouts{Interval: 10, Suspect: 15, Evict: 20}
	require.EqualValues(t, 15, both.Wait(false))
	require.EqualValues(t, 20, both.Wait(true))
	require.EqualValues(t, 15, both.MinTimeout(false))
	both.NeedsHistory = true
	require.EqualValues(t, 10, both.MinTimeout(false))
	require.EqualValues(t, 10, both.MinTimeout(true))
	require.EqualValues(t, 15, both.Wait(false))

	require.EqualValues(t, 20, (&Timeouts{Evict: 20}).Wait(false))
	require.EqualValues(t, 15, (&Timeouts{Suspect: 15}).Wait(false))
	require.Equal(t, Never, (&Timeouts{Suspect: 15}).Wait(true))
	require.Equal(t, Never, (&Timeouts{}).Wait(false))
}

func TestTolerance(t *testing.T) {
	require.Equal(t, Never, (&Timeouts{Interval: second}).Tolerance(), "no gap evicts it")
	require.EqualValues(t, 500*time.Millisecond, (&Timeouts{Interval: second, Evict: 2 * second}).Tolerance())
	require.EqualValues(t, 2*second, (&Timeouts{Interval: second, Evict: 5 * second}).Tolerance())
	require.EqualValues(t, 500*time.Millisecond, (&Timeouts{Interval: second, Evict: 5 * second, NeedsHistory: true}).Tolerance())
	require.Equal(t, minTolerance, (&Timeouts{Interval: second, Evict: second}).Tolerance())
}

// A class is little less than each of its tolerances, and classes are in their order.
func TestClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(minTolerance, Never).Draw(t, "a")
		b := rapid.Int64Range(minTolerance, Never).Draw(t, "b")
		c := classOf(a)
		require.NotZero(t, c)
		require.Less(t, int(c), classes)
		require.LessOrEqual(t, c.least(), a)
		require.Greater(t, c.least(), a-a/8-1)
		require.Equal(t, c, classOf(c.least()))
		if a < b {
			require.LessOrEqual(t, c, classOf(b))
		}
	})
	require.Equal(t, Never, class(0).least())
}

func TestClassify(t *testing.T) {
	x := Timeouts{Interval: second, Evict: 2 * second}
	require.False(t, x.Impatient())
	x.Classify(int64(500 * time.Millisecond))
	require.False(t, x.Impatient())
	x.Classify(int64(500*time.Millisecond) + 1)
	require.True(t, x.Impatient())
	x.Classify(0)
	require.False(t, x.Impatient(), "no gap is a stall")
}
