package index

import (
	"math"
	"strconv"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// What the index stores for shared hosts stays with them while the index grows and shrinks, and
// takes no room.
func TestMarksOfSharedHostsMoveWithThem(t *testing.T) {
	require.EqualValues(t, 76, unsafe.Sizeof(record{}))
	require.EqualValues(t, 4, unsafe.Sizeof(slotMeta{}))
	x := New(valuesOf[string](), false)
	const hosts = 20_000
	mark := func(e Entry, i int) {
		e.SetKeeper(uint8(i % 3))
		e.SetDoubted(i%5 == 0)
		e.SetAssigned(i%7 == 0)
		if i%11 == 0 {
			e.SetRenumbered()
		}
		e.SetChanged(i%13 == 0)
	}
	check := func(i int) {
		id := strconv.Itoa(i)
		e, ok := x.Lookup(x.Hash(id), id)
		require.True(t, ok)
		require.Equal(t, []any{uint8(i % 3), i%3 != 0, i%5 == 0, i%7 == 0, i%11 == 0, i%13 == 0, false, false},
			[]any{e.Keeper(), e.Mirrored(), e.Doubted(), e.Assigned(), e.Renumbered(), e.Changed(), e.Suspect(), e.Held()})
	}
	for i := range hosts {
		mark(insert(x, strconv.Itoa(i), uint64(i), everySecond, 0), i)
	}
	for i := range hosts {
		check(i)
	}
	for i := range hosts - 100 {
		e, _ := x.Lookup(x.Hash(strconv.Itoa(i)), strconv.Itoa(i))
		end(x, e)
	}
	for i := hosts - 100; i < hosts; i++ {
		check(i)
	}
}

// The last contact of a mirrored host may be elsewhere.
func TestASearchBySilenceFindsMirroredHosts(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 3000 {
		e := insert(x, strconv.Itoa(i), uint64(i), everySecond, int64(i%2)*second)
		e.SetKeeper(uint8(i % 3))
	}
	end(x, func() Entry { e, _ := x.Lookup(x.Hash("0"), "0"); return e }())
	found := 0
	for c := (Cursor{}); !c.Done(); {
		x.AdvanceSince(&c, func(*detector.Timeouts) int64 { return second }, func(e Entry) {
			found++
			require.True(t, e.Mirrored() || e.Word() == wordOf(second))
		})
	}
	require.Equal(t, 1500+1000, found)
	e := insert(x, "never", 1, everySecond, math.MinInt64)
	require.True(t, NeverHeard(e.Word()))
	e.Touch(0)
	require.False(t, NeverHeard(e.Word()))
}
