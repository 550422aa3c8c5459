package recent

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const minute = int64(time.Minute)

// With room for all hosts, Flapping is a map.
func TestFlappingAgainstAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f Flapping
		model := map[uint64]Flap{}
		now := 10 * minute
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				now += rapid.Int64Range(0, 40).Draw(t, "minutes") * minute
			case 1:
				f.Expire(now)
				for h, x := range model {
					if now-x.Last > 60*minute {
						delete(model, h)
					}
				}
			default:
				h := rapid.Uint64Range(1, 12).Draw(t, "host")
				at := now - rapid.Int64Range(0, 5).Draw(t, "minutes ago")*minute
				f.Add(h, fmt.Sprint(h), at, now)
				x := model[h]
				if now-x.Last > 60*minute {
					x = Flap{}
				}
				model[h] = Flap{h, fmt.Sprint(h), x.Evictions + 1, max(x.Last, at)}
			}
			require.Equal(t, len(model), f.Len())
			all := []Flap{}
			for h, x := range model {
				require.Equal(t, x.Evictions, f.Evictions(h))
				all = append(all, x)
			}
			require.Zero(t, f.Evictions(99))
			slices.SortFunc(all, func(a, b Flap) int {
				if a.before(&b) {
					return -1
				}
				return 1
			})
			for n := 1; n < 5; n++ {
				got := f.Worst(n)
				require.Len(t, got, min(n, len(all)))
				for i, x := range got { // equals may come in any order
					require.Equal(t, [2]int64{int64(all[i].Evictions), all[i].Last}, [2]int64{int64(x.Evictions), x.Last})
					require.Equal(t, model[x.Hash], x)
				}
			}
		}
	})
}

// Beyond 4096 hosts the ones that flap often stay.
func TestHostsThatFlapOftenStay(t *testing.T) {
	var f Flapping
	now := minute
	for range 5 {
		for h := range uint64(100) {
			f.Add(h, "often", now, now)
		}
	}
	for h := range uint64(50_000) {
		now += int64(time.Millisecond)
		f.Add(1000+h, "once", now, now)
		require.LessOrEqual(t, f.Len(), maxFlaps)
	}
	for h := range uint64(100) {
		require.Equal(t, 5, f.Evictions(h))
	}
	require.Equal(t, maxFlaps, f.Len())
	for _, x := range f.Worst(10) {
		require.Equal(t, "often", x.ID)
	}
}

// All memory is released an hour later, in steps that are short.
func TestFlappingForgetsAll(t *testing.T) {
	var f Flapping
	for h := range uint64(maxFlaps) {
		f.Add(h, strings.Repeat("x", 10), int64(h), int64(h))
	}
	f.Expire(60 * minute)
	require.Equal(t, maxFlaps, f.Len())
	f.Expire(60*minute + 1)
	require.Equal(t, maxFlaps-1, f.Len())
	for steps := 1; f.Len() > 0; steps++ {
		was := f.Len()
		f.Expire(70 * minute)
		require.LessOrEqual(t, was-f.Len(), maxForgotten)
		require.LessOrEqual(t, steps, 8)
	}
	require.Equal(t, Flapping{}, f)
}

func BenchmarkWorst(b *testing.B) {
	for name, evictions := range map[string]int{"equal": 1, "random": 100} {
		var f Flapping
		for h := range uint64(maxFlaps) {
			for range 1 + rand.IntN(evictions) {
				f.Add(h, "a host", int64(h)+minute, int64(h)+minute)
			}
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f.Worst(10)
			}
		})
	}
}

func BenchmarkAddWhenFull(b *testing.B) {
	var f Flapping
	for h := uint64(0); b.Loop(); h++ {
		f.Add(h, "a host", int64(h)+minute, int64(h)+minute)
	}
}
