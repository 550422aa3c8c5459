package index

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

const benchHosts = 1_000_000

func benchIDs() []string {
	ids := make([]string, benchHosts)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x%016x%016x%016x", rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64())
	}
	return ids
}

// filled is an index full of hosts, and their ids in another order, apart from what the index
// stored.
func filled(b *testing.B, interval time.Duration) (*Index, []string) {
	x, ids, t := New(valuesOf[string](), false), benchIDs(), every(interval)
	before := heapInUse()
	for i, id := range ids {
		insertAt(x, x.Hash(id), strings.Clone(id), uint64(i), t, 0)
	}
	bytes := float64(heapInUse()-before) / benchHosts
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	b.Cleanup(func() { b.ReportMetric(bytes, "B/host") })
	b.ReportAllocs()
	return x, ids
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTouch(b *testing.B) {
	x, ids := filled(b, time.Hour)
	for i := 0; b.Loop(); i++ {
		h := x.Hash(ids[i%benchHosts])
		if _, ok := x.Touch(h, 0, int64(i)); !ok { // few: a search over the end of a bucket
			e, _ := x.Find(h)
			e.Touch(int64(i))
		}
	}
}

func BenchmarkFindAndTouch(b *testing.B) {
	x, ids := filled(b, time.Hour)
	for i := 0; b.Loop(); i++ {
		e, _ := x.Find(x.Hash(ids[i%benchHosts]))
		if _, ok := e.Touch(int64(i)); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkPick16(b *testing.B) {
	x, _ := filled(b, time.Hour)
	for b.Loop() {
		for _, e := range x.Pick(nil, 16) {
			_ = e.ID()
		}
	}
}

// BenchmarkSweepIdle checks a million hosts of which none is due; the time is that of one host.
func BenchmarkSweepIdle(b *testing.B) {
	x, _ := filled(b, time.Hour)
	check := func(Entry) int64 { panic("none is due") }
	b.ResetTimer()
	scanned := 0
	for now := int64(0); scanned < b.N; now++ {
		for i := range x.deadlines {
			x.deadlines[i].due = 0
		}
		for more := true; more && scanned < b.N; {
			n := 0
			n, more = x.SweepNext(now, now, check)
			scanned += n
		}
	}
}

// BenchmarkSweepEvict evicts hosts; the time is that of one, without its insertion.
func BenchmarkSweepEvict(b *testing.B) {
	for n := 0; n < b.N; {
		b.StopTimer()
		x, _ := filled(b, time.Second)
		b.StartTimer()
		n += evictDue(x, 3*second)
	}
}

func BenchmarkInsert(b *testing.B) {
	ids := benchIDs()
	var x *Index
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%benchHosts == 0 {
			x = New(valuesOf[string](), false)
		}
		id := ids[i%benchHosts]
		insert(x, id, uint64(i), everySecond, int64(i))
	}
}

func BenchmarkRemove(b *testing.B) {
	for n := 0; n < b.N; n += benchHosts {
		b.StopTimer()
		x, ids := filled(b, time.Second)
		b.StartTimer()
		for _, id := range ids[:min(b.N-n, benchHosts)] {
			endID(b, x, id)
		}
	}
}
