package index

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const second = int64(time.Second)

// valuesOf stores values of one type, as a registry does.
func valuesOf[M any]() Values {
	var none M
	return Values{
		Size: unsafe.Sizeof(none),
		New:  func() unsafe.Pointer { return unsafe.Pointer(new([BlockSize]M)) },
		Move: func(to unsafe.Pointer, i int, from unsafe.Pointer, j int) {
			(*[BlockSize]M)(to)[i] = (*[BlockSize]M)(from)[j]
		},
	}
}

func valueOf[M any](e Entry) *M {
	block, i := e.Value()
	return &(*[BlockSize]M)(block)[i]
}

// every are the timeouts of Fixed(2).
func every(interval time.Duration) *detector.Timeouts {
	return &detector.Timeouts{Interval: interval, Evict: 2 * interval}
}

var everySecond = every(time.Second)

// insert adds a host as a registry does; its value is its id.
func insert(x *Index, id string, number uint64, t *detector.Timeouts, now int64) Entry {
	return insertAt(x, x.Hash(id), id, number, t, now)
}

func insertAt(x *Index, h Hash, id string, number uint64, t *detector.Timeouts, now int64) Entry {
	x.Reserve(h)
	e := x.Insert(h, &Host{ID: id, Timeouts: t, Incarnation: number + 1000, Registration: number, Contact: now, Joined: now - 1})
	*valueOf[string](e) = id
	x.Lower(e, now+t.MinTimeout(false)+1)
	return e
}

// end ends a registration and removes its entry.
func end(x *Index, e Entry) {
	e.End()
	x.Remove(e)
	x.Shrink(e)
}

func endID(t testing.TB, x *Index, id string) {
	t.Helper()
	e, ok := x.Lookup(x.Hash(id), id)
	require.True(t, ok, id)
	end(x, e)
}

// all returns the numbers of the registrations by id, as a Cursor finds them.
func all(t testing.TB, x *Index) map[string]uint64 {
	found := map[string]uint64{}
	for c := (Cursor{}); !c.Done(); {
		x.Advance(&c, func(e Entry) {
			if _, twice := found[e.ID()]; twice || *valueOf[string](e) != e.ID() {
				t.Fatalf("met twice, or with the value of another: %s, %s", e.ID(), *valueOf[string](e))
			}
			found[strings.Clone(e.ID())] = e.Registration()
		})
	}
	require.Len(t, found, x.Len())
	return found
}

// evictDue sweeps as a registry without stalls does, and returns how many hosts it evicted.
func evictDue(x *Index, now int64) (evicted int) {
	check := func(e Entry) int64 {
		v, timeouts := e.Word(), e.EffectiveTimeouts()
		at := ContactOf(v) + timeouts.Wait(IsSuspect(v)) + 1
		if at > now {
			return at
		}
		if e.Evict(v) {
			x.Remove(e)
			evicted++
		}
		return never
	}
	for more := x.NextDeadline() <= now; more; {
		_, more = x.SweepNext(now, now, check)
	}
	return evicted
}

// Thousands join and leave, in waves of all sizes: the index grows and shrinks through all its
// shapes, and always has exactly the hosts that are there.
func TestAnIndexHasExactlyTheHostsThatAreThere(t *testing.T) {
	x := New(valuesOf[string](), false)
	there := map[string]uint64{}
	rnd := rand.New(rand.NewPCG(1, 2))
	number := uint64(0)
	for wave := range 40 {
		want := rnd.IntN(1 << (2 + rnd.IntN(13)))
		if wave%10 == 9 {
			want = 0
		}
		for id, was := range there {
			if len(there) <= want {
				break
			}
			e, ok := x.Lookup(x.Hash(id), id)
			require.True(t, ok)
			require.Equal(t, was, e.Registration())
			end(x, e)
			delete(there, id)
		}
		for i := 0; len(there) < want; i++ {
			id := fmt.Sprint(wave, "-", i)
			if i%7 == 0 {
				id += strings.Repeat("x", rnd.IntN(900)) // most of them do not fit into a record
			}
			number++
			there[id] = number
			insert(x, id, number, everySecond, int64(wave))
		}
		require.Equal(t, there, all(t, x))
		for id, was := range there {
			e, ok := x.Find(x.Hash(id))
			if want := (Header{time.Second, was + 1000, was}); !ok || e.Header() != want {
				t.Fatalf("%s: found %+v, not %+v", id, e.Header(), want)
			}
		}
	}
}

func TestFindAndLookupOfUnknownHosts(t *testing.T) {
	x := New(valuesOf[string](), false)
	e := insert(x, "a", 1, everySecond, 0)
	_, ok := x.Find(x.Hash("b"))
	require.False(t, ok)
	_, ok = x.Lookup(x.Hash("a"), "b")
	require.False(t, ok)
	_, ok = x.Lookup(x.Hash("a"), "a")
	require.True(t, ok)
	require.Equal(t, x.Hash("a"), e.Hash())
	require.Equal(t, int64(-1), e.Joined())
	require.Equal(t, everySecond, e.Timeouts())
	end(x, e)
	_, ok = x.Find(x.Hash("a"))
	require.False(t, ok)
}

// While a registration replaces another, both are there: the older one is found until it has ended.
func TestOfTwoRegistrationsTheOlderIsFoundUntilItHasEnded(t *testing.T) {
	x := New(valuesOf[string](), false)
	const h = Hash(1) // of the first slot, so that no search wraps
	old := insertAt(x, h, "a", 1, everySecond, 0)
	fresh := insertAt(x, h, "a", 2, everySecond, 0)
	require.False(t, fresh.Collides(), "one id collides with itself")
	header, ok := x.Touch(h, 0, 5)
	require.True(t, ok)
	require.Equal(t, uint64(1), header.Registration)
	_, ok = x.Touch(h, fresh.Incarnation(), 5)
	require.False(t, ok, "the older one has not ended")
	old.MarkSuspect(old.Word())
	_, ok = x.Touch(h, 0, 6)
	require.False(t, ok, "the older one needs the slow path, and the other does not answer for it")
	require.Zero(t, ContactOf(fresh.Word()))
	old.End()
	header, ok = x.Touch(h, 0, 6)
	require.True(t, ok)
	require.Equal(t, uint64(2), header.Registration)
	e, _ := x.Lookup(h, "a")
	require.Equal(t, fresh, e)
	_, ok = x.Current(old, "a")
	require.False(t, ok)
	x.Remove(old)
	require.Equal(t, map[string]uint64{"a": 2}, all(t, x))
}

// A million could have come and gone: the directory is as small as it was.
func TestTheDirectoryShrinks(t *testing.T) {
	x := New(valuesOf[string](), false)
	require.Len(t, x.directory.Load().buckets, 1)
	for i := range 20_000 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	require.GreaterOrEqual(t, len(x.directory.Load().buckets), 16)
	require.Equal(t, 20_000, evictDue(x, 3*second))
	require.Len(t, x.directory.Load().buckets, 1)
	require.Len(t, x.deadlines, 1)
	require.Zero(t, x.Len())
}

func TestWhatIsDoneAllTheTimeAllocatesNothing(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 5000 {
		insert(x, fmt.Sprint("host ", i), uint64(i), everySecond, 0)
	}
	const id = "host 77"
	at := int64(0)
	check := func(Entry) int64 { return at + second }
	for name, f := range map[string]func(){
		"Touch":  func() { at++; x.Touch(x.Hash(id), 0, at) },
		"Find":   func() { e, _ := x.Find(x.Hash(id)); at++; e.Touch(at) },
		"Lookup": func() { e, _ := x.Lookup(x.Hash(id), id); e.SetZone(1) },
		"sweep":  func() { x.LowerHeld(at); x.SweepNext(at, at, check) },
		"check": func() {
			e, _ := x.Lookup(x.Hash(id), id)
			x.Lower(e, at)
			x.SweepNext(at+3*second, at, check)
		},
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// Hosts with ever new intervals leave no trace of the old ones, and those of other hosts stay.
// There are more of them than a slot can tell apart.
func TestIntervalsThatChangeAllTheTime(t *testing.T) {
	x := New(valuesOf[string](), false)
	stay := make([]*detector.Timeouts, 10)
	for i := range stay {
		stay[i] = every(time.Duration(i/2+1) * time.Second)
		insert(x, fmt.Sprint(i), uint64(i), stay[i], 0)
	}
	e := insert(x, "a", 10, everySecond, 0)
	for i := range 70_000 {
		last := every(10*time.Second + time.Duration(i))
		e.SetTimeouts(last)
		require.Same(t, last, e.Timeouts())
		require.LessOrEqual(t, len(e.bucket.timeouts), maxTimeouts)
	}
	require.Equal(t, 10*time.Second+69_999, e.Interval())
	for i, want := range stay {
		e, _ := x.Lookup(x.Hash(fmt.Sprint(i)), fmt.Sprint(i))
		require.Same(t, want, e.Timeouts())
	}
}

// Timeouts are sorted out when there are too many; those of a host that left are no trap for the
// next sweep.
func TestASweepAfterTimeoutsWereSortedOut(t *testing.T) {
	x := New(valuesOf[string](), false)
	for i := range 10 {
		insert(x, fmt.Sprint(i), uint64(i), everySecond, 0)
	}
	change := func(id, i int) {
		e, _ := x.Lookup(x.Hash(fmt.Sprint(id)), fmt.Sprint(id))
		e.SetTimeouts(every(time.Second + time.Duration(i)))
	}
	for i := range maxTimeouts - 6 {
		change(i%10, i)
	}
	endID(t, x, "9")
	for i := range 200 {
		change(i%9, maxTimeouts+i)
	}
	require.Zero(t, evictDue(x, second))
	require.Equal(t, 9, evictDue(x, 10*second))
}

// The fast path finds only what its search reaches before the end of the bucket; Find goes on from
// the first slot.
func TestASearchOverTheEndOfABucketIsLeftToFind(t *testing.T) {
	x := New(valuesOf[string](), false)
	const last = Hash(1<<63 | 0xffffffff)
	for i := range 3 {
		e := insertAt(x, last+Hash(i)<<32, fmt.Sprint(i), uint64(i), everySecond, 0)
		found, ok := x.Find(e.Hash())
		require.True(t, ok)
		require.Equal(t, e, found)
		_, ok = x.Touch(e.Hash(), 0, 1)
		require.Equal(t, i == 0, ok)
	}
}
