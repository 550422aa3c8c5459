package index

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// While a cursor is on its way most hosts leave: its bucket and the one ahead become one.
func TestNoHostIsMetTwiceThoughBucketsMerge(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 5000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	met := map[uint64]bool{}
	c := Cursor{}
	for first := true; !c.Done(); first = false {
		x.Advance(&c, func(e Entry) {
			require.False(t, met[e.Registration()], "met twice")
			met[e.Registration()] = true
		})
		if first {
			for i := 50; i < 5000; i++ {
				endID(t, x, fmt.Sprint(i))
			}
		}
	}
	for _, number := range all(t, x) {
		require.True(t, met[number], "not met")
	}
}

func TestACursorKnowsWhatItHasPassed(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 5000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	c, met := Cursor{}, map[uint64]bool{}
	for !c.Done() {
		require.LessOrEqual(t, x.Ahead(&c), maxSlots)
		x.Advance(&c, func(e Entry) { met[e.Registration()] = true })
		for other := (Cursor{}); !other.Done(); {
			x.Advance(&other, func(e Entry) {
				if c.Passed(e) != met[e.Registration()] {
					t.Fatalf("entry %s: passed %v", e.ID(), c.Passed(e))
				}
			})
		}
	}
}

// Each host is drawn as often as any other, though buckets have different sizes: within five
// standard deviations.
func TestPickIsUniform(t *testing.T) {
	for _, hosts := range []int{1, 10, 3000} {
		x := New(valuesOf[string](), false)
		for i := range hosts {
			insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
		}
		counts, draws := make([]int, hosts), 0
		for draws < 100*hosts {
			picked := x.Pick(nil, 16)
			require.LessOrEqual(t, len(picked), 16)
			for _, e := range picked {
				counts[e.Registration()]++
				draws++
			}
		}
		mean := float64(draws) / float64(hosts)
		for i, n := range counts {
			require.InDelta(t, mean, n, 5.5*math.Sqrt(mean), "host %d", i)
		}
	}
}

func TestPickOfNone(t *testing.T) {
	x := New(valuesOf[string](), false)
	require.Empty(t, x.Pick(nil, 16))
	insert(x, "a", 1, everySecond, 0)
	require.Empty(t, x.Pick(nil, 0))
}
