package index

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// values returns the values by id, as AdvanceValues finds them.
func values(t testing.TB, x *Index) map[string]string {
	found := map[string]string{}
	var page []Value
	for c := (Cursor{}); !c.Done(); {
		ahead := x.Ahead(&c)
		page = x.AdvanceValues(&c, page[:0])
		require.LessOrEqual(t, len(page), ahead)
		for _, v := range page {
			if _, twice := found[v.ID]; twice {
				t.Fatalf("%s is met twice", v.ID)
			}
			found[v.ID] = (*[BlockSize]string)(v.Block)[v.I]
		}
	}
	return found
}

// Thousands join and leave in waves, some of them with long ids. AdvanceValues finds what is there.
func TestAdvanceValuesFindsAllValues(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	x, there := New(valuesOf[string](), false), map[string]string{}
	for wave := range 60 {
		for range rnd.IntN(2000) {
			id := fmt.Sprint(rnd.IntN(4000))
			if rnd.IntN(10) == 0 {
				id += strings.Repeat(" long", 20)
			}
			switch _, known := there[id]; {
			case known:
				endID(t, x, id)
				delete(there, id)
			case wave%10 < 5 || rnd.IntN(10) == 0:
				insert(x, id, 0, everySecond, 0)
				there[id] = id
			}
		}
		require.Equal(t, there, values(t, x))
	}
}

// While a cursor is on its way, its bucket and the one ahead become one, or those ahead are split.
// No value is met twice, and all that stay are met.
func TestAdvanceValuesWhileBucketsMergeAndSplit(t *testing.T) {
	for _, change := range []func(*Index){
		func(x *Index) {
			for i := 50; i < 5000; i++ {
				endID(t, x, fmt.Sprint(i))
			}
		},
		func(x *Index) {
			for i := range 20_000 {
				insert(x, fmt.Sprint("new ", i), uint64(i), everySecond, 0)
			}
		},
	} {
		x, met := New(valuesOf[string](), false), map[string]bool{}
		for i := range 5000 {
			insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
		}
		for c := (Cursor{}); !c.Done(); {
			for _, v := range x.AdvanceValues(&c, nil) {
				if met[v.ID] {
					t.Fatalf("%s is met twice", v.ID)
				}
				met[v.ID] = true
			}
			if change != nil {
				change(x)
				change = nil
			}
		}
		for i := range 50 {
			require.True(t, met[fmt.Sprint(i)])
		}
	}
}

// An id that AdvanceValues returned stays the same, whatever becomes of its host, its record and
// its bucket.
func TestAnIDStaysTheSame(t *testing.T) {
	x := New(valuesOf[string](), false)
	name := func(wave, i int) string { return fmt.Sprint(strings.Repeat("-", i%100), wave, " ", i) }
	var kept []string
	var clones []string
	for wave := range 4 {
		for i := range 3000 {
			insert(x, name(wave, i), uint64(i), everySecond, 0)
		}
		for c := (Cursor{}); !c.Done(); {
			for _, v := range x.AdvanceValues(&c, nil) {
				kept, clones = append(kept, v.ID), append(clones, strings.Clone(v.ID))
			}
		}
		for i := range 3000 {
			endID(t, x, name(wave, i))
		}
	}
	require.Len(t, kept, 4*3000)
	require.Equal(t, clones, kept)
}
