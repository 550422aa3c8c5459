package evictlimit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Each eviction counts for the span at least, and an eighth of it longer at most; the latest is
// taken back first.
func TestAWindowAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		var at []int64
		now, span := int64(0), time.Duration(rapid.Int64Range(1, 1000).Draw(t, "span"))
		within := func(most int64) (n int) {
			for _, x := range at {
				if now-x <= most {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				now += rapid.Int64Range(0, int64(span)/4).Draw(t, "time")
			case 2:
				w.add(now, span)
				at = append(at, now)
			case 3:
				if w.takeBack(); len(at) > 0 && rapid.Bool().Draw(t, "once more") {
					w.takeBack()
					at = at[:max(0, len(at)-1)]
				}
				at = at[:max(0, len(at)-1)]
			case 4:
				now += rapid.Int64Range(0, 100*int64(span)).Draw(t, "long")
			}
			part := max(int64(span)/8, 1)
			n := w.sum(now, span)
			require.GreaterOrEqual(t, n, within(8*part-1))
			require.LessOrEqual(t, n, within(9*part))
		}
	})
}

// No walk along all parts of a long time.
func TestAWindowAfterALongTime(t *testing.T) {
	var w window
	w.add(1<<62, 1)
	require.Equal(t, 1, w.sum(1<<62, 1))
	require.Zero(t, w.sum(1<<62+10, 1))
}
