package recent_test

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

const (
	most   = 1 << 15
	window = int64(5 * time.Minute)
)

func TestZeroValue(t *testing.T) {
	var e recent.Evictions
	e.Expire(1, nil)
	require.Zero(t, e.Len())
	_, _, ok := e.Rejoined(1, 2, 2)
	require.False(t, ok)
	require.Equal(t, recent.Evictions{}, e, "it takes no memory")
}

func TestRejoined(t *testing.T) {
	var e recent.Evictions
	e.Add(7, 100, 50)
	e.Add(0, 200, math.MaxInt64)
	require.Equal(t, 2, e.Len())

	_, _, ok := e.Rejoined(8, 300, 300)
	require.False(t, ok, "another host")
	at, shadowAt, ok := e.Rejoined(7, 300, 300)
	require.True(t, ok)
	require.EqualValues(t, 100, at)
	require.EqualValues(t, 50, shadowAt)
	_, _, ok = e.Rejoined(7, 300, 300)
	require.False(t, ok, "only once")

	_, shadowAt, ok = e.Rejoined(0, 300, 300)
	require.True(t, ok)
	require.EqualValues(t, int64(math.MaxInt64), shadowAt)
	require.Zero(t, e.Len())

	e.Add(7, 400, 450)
	at, _, ok = e.Rejoined(7, 500, 500)
	require.True(t, ok, "it was evicted again")
	require.EqualValues(t, 400, at)
}

func TestFiveMinutes(t *testing.T) {
	var e recent.Evictions
	for hash := range uint64(3) {
		e.Add(hash, 10, 0)
	}
	_, _, ok := e.Rejoined(0, 10+window, 10+window)
	require.True(t, ok)
	_, _, ok = e.Rejoined(1, 11+window, 11+window)
	require.False(t, ok, "not within 5 minutes, whether or not Expire was called")
	require.Equal(t, 2, e.Len())
	e.Expire(10+window, func(int64) { t.Error("within 5 minutes") })
	forgotten := 0
	e.Expire(11+window, func(int64) { forgotten++ })
	require.Equal(t, 2, forgotten)
	require.Zero(t, e.Len())
}

// If there are more than there is room for, the latest are remembered. Add returns each that it
// forgets, but for one that has rejoined.
func TestTheOldestAreForgottenForLackOfRoom(t *testing.T) {
	const all, back = 3*most + 100, most + 1000
	var e recent.Evictions
	for i := range uint64(all) {
		forgotten, ok := e.Add(i, int64(i), int64(2*i))
		if full := i >= most && i != back+most; ok != full || ok && forgotten != int64(2*(i-most)) {
			t.Fatalf("Add of %d returned %d, %v", i, forgotten, ok)
		}
		if i == back { // the rest is forgotten after it was added to the map
			_, _, ok = e.Rejoined(back, int64(i), int64(i))
			require.True(t, ok)
		}
	}
	require.Equal(t, most, e.Len())
	for i := range uint64(all) {
		if _, _, ok := e.Rejoined(i, all, all); ok != (i >= all-most) {
			t.Fatalf("Rejoined of %d returned %v", i, ok)
		}
	}
	require.Zero(t, e.Len())
}

// Memory is bounded at 2 MB. All of it is released with the last eviction.
func TestMemory(t *testing.T) {
	var e recent.Evictions
	before := heap()
	for i := range uint64(10 * most) {
		e.Add(i*0x9e3779b97f4a7c15, int64(i), 0)
		if i%1000 == 0 {
			e.Rejoined(0, int64(i), int64(i))
		}
	}
	full := heap() - before
	t.Log("bytes:", full)
	require.LessOrEqual(t, full, 4<<20)

	e.Expire(10*most+window, nil)
	require.LessOrEqual(t, heap()-before, 10_000)
	require.Equal(t, recent.Evictions{}, e)
	runtime.KeepAlive(&e)
}

// Hosts that are evicted and rejoin, again and again, take no more memory either.
func TestMemoryOfHostsThatComeAndGo(t *testing.T) {
	var e recent.Evictions
	before := heap()
	for i := range uint64(10 * most) {
		now := int64(i) * int64(time.Millisecond)
		e.Add(i, now, 0)
		if _, _, ok := e.Rejoined(i-i%3, now, now); ok != (i%3 == 0) {
			t.Fatalf("Rejoined of %d returned %v", i, ok)
		}
		e.Expire(now, nil)
	}
	require.LessOrEqual(t, heap()-before, 4<<20)
	runtime.KeepAlive(&e)
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestAddDoesNotAllocateWhenFull(t *testing.T) {
	var e recent.Evictions
	hash := uint64(0)
	add := func() {
		e.Add(hash, 1, 1)
		hash++
	}
	for range most {
		add()
	}
	require.Zero(t, testing.AllocsPerRun(1000, add))
	e.Rejoined(0, 1, 1)
	require.Zero(t, testing.AllocsPerRun(1000, add))
	forgotten := 0
	require.Zero(t, testing.AllocsPerRun(1, func() { e.Expire(1, func(int64) { forgotten++ }) }))
}

// Expire takes a bounded time, and a host can rejoin meanwhile as if all of it were done.
func TestExpireDoesAPartAtATime(t *testing.T) {
	var e recent.Evictions
	for i := range uint64(10_000) {
		e.Add(i, 0, 0)
	}
	e.Add(10_000, 1+window/2, 0)
	forgotten := 0
	for calls := 1; calls <= 3; calls++ {
		e.Expire(1+window, func(int64) { forgotten++ })
		require.Equal(t, min(calls*4096, 10_000), forgotten)
		_, _, ok := e.Rejoined(9_999, 1+window, 1+window)
		require.False(t, ok)
	}
	_, _, ok := e.Rejoined(10_000, 1+window, 1+window)
	require.True(t, ok)
}
