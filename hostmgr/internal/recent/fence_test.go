package recent_test

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

func TestWhatEndedIsRefusedForFiveMinutes(t *testing.T) {
	var f recent.Fence
	f.End(7, 5, 100)
	for incarnation, refused := range []bool{false, true, true, true, true, true, false} {
		require.Equal(t, refused, f.Refuses(7, uint64(incarnation), 100+window), incarnation)
	}
	require.EqualValues(t, 5, f.Ended(7, 100+window))
	require.False(t, f.Refuses(8, 5, 100), "another id")
	require.False(t, f.Refuses(7, 5, 101+window), "whether or not Expire was called")
	require.Zero(t, f.Ended(7, 101+window))
}

// A host that leaves, fails to join and leaves again does not keep itself out for longer.
func TestAnEndThatIsReportedAgainIsNotRememberedForLonger(t *testing.T) {
	var f recent.Fence
	f.End(7, 5, 100)
	f.End(7, 5, 200)
	f.End(7, 3, 200)
	require.True(t, f.Refuses(7, 5, 100+window))
	require.False(t, f.Refuses(7, 5, 101+window))
	f.End(7, 3, 200+window)
	require.True(t, f.Refuses(7, 3, 200+window))
	require.False(t, f.Refuses(7, 4, 200+window))
}

// An end of an earlier process is remembered from the time at which it is learnt.
func TestAnEndIsLearntForFiveMinutes(t *testing.T) {
	var f recent.Fence
	f.Learn(7, 5, -window, 1)
	f.Learn(7, 5, math.MinInt64+1, 0)
	require.True(t, f.Empty(), "too long ago")
	f.Learn(7, 5, -window, 0)
	require.True(t, f.Refuses(7, 5, window))
	require.False(t, f.Refuses(7, 5, window+1))
}

func TestTheLatestEndsAreRemembered(t *testing.T) {
	var f recent.Fence
	for hash := range uint64(3 * most) {
		f.End(hash, 1+hash%3, 0)
	}
	for hash := range uint64(3 * most) {
		if f.Refuses(hash, 1, 0) != (hash >= 2*most) {
			t.Fatal(hash)
		}
	}
}

func TestKeepOut(t *testing.T) {
	var f recent.Fence
	require.True(t, f.KeepOut(7, 5, 100, 200))
	for incarnation, refused := range []bool{true, true, true, true, true, true, false} {
		require.Equal(t, refused, f.Refuses(7, uint64(incarnation), 199), incarnation)
	}
	require.False(t, f.Refuses(7, 5, 200))
	require.True(t, f.KeepOut(7, 4, 150, 300), "the later time, and the greater incarnation")
	require.True(t, f.Refuses(7, 5, 299))
	require.True(t, f.KeepOut(7, 6, 150, 160))
	require.True(t, f.Refuses(7, 6, 299))
	require.True(t, f.KeepOut(7, 2, 300, 400))
	require.False(t, f.Refuses(7, 3, 300), "the former ones are over")
	require.Zero(t, f.Ended(7, 300), "it is not remembered as an end")
}

func TestKeepOutIsBounded(t *testing.T) {
	var f recent.Fence
	for hash := range uint64(most) {
		require.True(t, f.KeepOut(hash, 1, 0, 100+int64(hash)))
	}
	require.False(t, f.KeepOut(most, 1, 99, 1000))
	require.False(t, f.Refuses(most, 1, 99))
	require.True(t, f.KeepOut(0, 1, 99, 1000), "one that is known")
	require.False(t, f.KeepOut(most, 1, 100, 1000))
	require.True(t, f.KeepOut(most, 1, 101, 1000), "another one is over")
	require.False(t, f.KeepOut(most+1, 1, 101, 1000))
}

// Memory is bounded at 3 MB, and all of it is released.
func TestMemoryOfAFence(t *testing.T) {
	var f recent.Fence
	before := heap()
	for i := range uint64(4 * most) {
		f.End(i*scramble, 1, int64(i))
		f.KeepOut(i*scramble, 1, int64(i), math.MaxInt64/2)
	}
	full := heap() - before
	t.Log("bytes:", full)
	require.LessOrEqual(t, full, 3<<20)
	f.Expire(math.MaxInt64/2 + 1)
	require.LessOrEqual(t, heap()-before, 10_000)
	require.Equal(t, recent.Fence{}, f)
	runtime.KeepAlive(&f)
}

// Expire takes a bounded time, and what is out of date is not refused meanwhile.
func TestExpireOfAFenceDoesAPartAtATime(t *testing.T) {
	var f recent.Fence
	for hash := range uint64(10_000) {
		f.End(hash, 1, 0)
	}
	f.End(10_000, 1, 1+window/2)
	for range 4 {
		f.Expire(1 + window)
		require.False(t, f.Refuses(9_999, 1, 1+window))
		require.True(t, f.Refuses(10_000, 1, 1+window))
	}
	f.Expire(2 + window + window/2)
	require.Equal(t, recent.Fence{}, f)
}

// A naive Fence has lists, and looks at all of them.
type naiveFence struct{ ends, kept []naiveEnd }

type naiveEnd struct {
	hash, incarnation uint64
	from, until       int64
}

func (m *naiveFence) ended(hash uint64, now int64) (latest uint64) {
	for _, e := range m.ends {
		if e.hash == hash && now <= e.until {
			latest = max(latest, e.incarnation)
		}
	}
	return latest
}

func (m *naiveFence) refuses(hash, incarnation uint64, now int64) bool {
	keeps, until := uint64(0), int64(0) // those that overlap are one
	for _, k := range m.kept {
		switch {
		case k.hash != hash:
		case k.from >= until:
			keeps, until = k.incarnation, k.until
		default:
			keeps, until = max(keeps, k.incarnation), max(until, k.until)
		}
	}
	return now < until && incarnation <= keeps || incarnation != 0 && incarnation <= m.ended(hash, now)
}

func TestFenceAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f recent.Fence
		var m naiveFence
		now := int64(0)
		hashes := rapid.Uint64Range(0, rapid.SampledFrom([]uint64{3, 30, 300}).Draw(t, "hosts"))
		incarnations := rapid.Uint64Range(1, 5)
		t.Repeat(map[string]func(*rapid.T){
			"end": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 3, 50}).Draw(t, "ends") {
					hash, incarnation := hashes.Draw(t, "hash"), incarnations.Draw(t, "incarnation")
					if incarnation > m.ended(hash, now) {
						m.ends = append(m.ends, naiveEnd{hash, incarnation, now, now + window})
					}
					f.End(hash, incarnation, now)
				}
			},
			"keep out": func(t *rapid.T) {
				hash, incarnation := hashes.Draw(t, "hash"), incarnations.Draw(t, "incarnation")
				until := now + rapid.Int64Range(1, int64(10*time.Minute)).Draw(t, "d")
				require.True(t, f.KeepOut(hash, incarnation, now, until))
				m.kept = append(m.kept, naiveEnd{hash, incarnation, now, until})
			},
			"expire": func(*rapid.T) { f.Expire(now) },
			"pass":   func(t *rapid.T) { now += rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "d") },
			"pass exactly": func(t *rapid.T) {
				if len(m.ends) > 0 {
					now = max(now, m.ends[rapid.IntRange(0, len(m.ends)-1).Draw(t, "n")].until)
				}
			},
			"": func(t *rapid.T) {
				hash := hashes.Draw(t, "hash")
				require.Equal(t, m.ended(hash, now), f.Ended(hash, now))
				for incarnation := range uint64(7) {
					require.Equal(t, m.refuses(hash, incarnation, now), f.Refuses(hash, incarnation, now))
				}
			},
		})
	})
}
