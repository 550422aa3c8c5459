// Package layouts shows what a heartbeat costs in each of the memory layouts that
// were tried for the registry: go test -run '^$' -bench . ./benchmarks/internal/layouts
//
// A heartbeat looks an id up, notes the time and returns the host's lease. With a million
// hosts that is not a matter of instructions but of how often, and for how many
// addresses at once, the processor waits for memory. So these are no more than what
// is looked up: they hold a host's id, lease and last heartbeat, can add but not remove,
// and change nothing while others read. On a machine that others use as well, -count
// shows how far to trust a difference.
package layouts

import (
	"encoding/hex"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

const (
	manyHosts  = 1_000_000
	shortHosts = 100_000
	testHosts  = 5_000
)

type layout interface {
	Add(id string, l lease)
	Heartbeat(id string, t int64) (lease, bool) // false: unknown
}

var layouts = []struct {
	name string
	make func(hosts int) layout
}{
	{"map of pointers", func(int) layout { return newPointers() }},
	{"index of pointers", func(int) layout { return newIndex() }},
	{"dense arrays behind an index", func(int) layout { return newArrays() }},
	{"buckets", func(int) layout { return newBuckets() }},
	{"one flat table", func(hosts int) layout { return newFlat(hosts) }},
	{"words and keys", func(int) layout { return newWordsAndKeys(false) }},
	{"words and keys, hashed once", func(int) layout { return newWordsAndKeys(true) }},
}

// BenchmarkBeat has every host of every layout heartbeat in turn, in an order that is not
// that of adding, and by ids that lie apart from those that were stored.
func BenchmarkBeat(b *testing.B) {
	hosts := manyHosts
	if testing.Short() {
		hosts = shortHosts
	}
	all, start := randomIDs(hosts), time.Now()
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			before := heap()
			known := l.make(hosts)
			fill(known, all, hosts)
			bytes := float64(heap()-before) / float64(hosts)
			t := int64(0) // behind the clock, or else its heartbeats would be of the past
			b.Run("no clock", func(b *testing.B) {
				heartbeat(b, known, all, func() int64 { t++; return t })
				b.ReportMetric(bytes, "bytes/host")
			})
			b.Run("clock", func(b *testing.B) {
				heartbeat(b, known, all, func() int64 { t = int64(time.Since(start)); return t })
				b.ReportMetric(bytes, "bytes/host")
			})
		})
	}
}

func heartbeat(b *testing.B, known layout, all string, now func() int64) {
	i := 0
	for b.Loop() {
		if _, ok := known.Heartbeat(all[i:i+idSize], now()); !ok {
			b.Fatal("a known host was not found")
		}
		if i += idSize; i == len(all) {
			i = 0
		}
	}
}

// TestFind: what is measured is a look-up that is right.
func TestFind(t *testing.T) {
	all := randomIDs(2 * testHosts)
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			known := l.make(testHosts)
			fill(known, all, testHosts)
			for i := range 2 * testHosts {
				got, ok := known.Heartbeat(id(all, i), int64(i))
				if want := i < testHosts; ok != want {
					t.Fatalf("host %d of %d known ones: found is %t", i, testHosts, ok)
				} else if ok && got != leaseOf(i) {
					t.Fatalf("host %d has the lease %v", i, got)
				}
			}
		})
	}
}

const idSize = 64

// randomIDs are as many ids, one behind the other.
func randomIDs(hosts int) string {
	raw := make([]byte, hosts*idSize/2)
	if _, err := rand.NewChaCha8([32]byte{}).Read(raw); err != nil {
		panic(err)
	}
	return hex.EncodeToString(raw)
}

func id(all string, i int) string { return all[idSize*i : idSize*(i+1)] }

func leaseOf(i int) lease {
	return lease{interval: int64(time.Second), incarnation: uint64(i % 3), registration: uint64(i)}
}

// fill adds the first hosts, in random order.
func fill(known layout, all string, hosts int) {
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(hosts) {
		known.Add(id(all, i), leaseOf(i))
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
