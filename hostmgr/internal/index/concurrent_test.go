package index

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// touchAnyway is a heartbeat: by the fast path, or else by the slow one. It returns false if the
// host is unknown.
func touchAnyway(x *Index, h Hash, at int64) (Header, bool) {
	if header, ok := x.Touch(h, 0, at); ok {
		return header, true
	}
	for {
		e, ok := x.Find(h)
		if !ok {
			return Header{}, false
		}
		if _, live := e.Touch(at); live {
			return e.Header(), true
		}
	}
}

// Buckets are rebuilt all the time, by joins, leaves and evictions in masses, while a few hosts
// send heartbeats: none finds its host unknown, and none is lost.
func TestNoContactIsLostWhileBucketsAreRebuilt(t *testing.T) {
	x := New(valuesOf[string](), false)
	var mu sync.RWMutex
	var clock atomic.Int64
	clock.Store(second)
	steady := every(time.Hour)
	for i := range 64 {
		insert(x, fmt.Sprint("steady ", i), uint64(i), steady, second)
	}
	done := make(chan struct{})
	var senders sync.WaitGroup
	for s := range 4 {
		senders.Go(func() {
			for i := s; ; i += 4 {
				select {
				case <-done:
					return
				default:
				}
				id := fmt.Sprint("steady ", i%64)
				h, at := x.Hash(id), clock.Add(1)
				header, ok := touchAnyway(x, h, at)
				mu.RLock()
				e, there := x.Lookup(h, id)
				lost := !there || ContactOf(e.Word()) < at
				mu.RUnlock()
				if !ok || lost || header.Registration != uint64(i%64) || header.Interval != time.Hour {
					t.Errorf("heartbeat of %s at %d: %v, %+v, lost %v", id, at, ok, header, lost)
					return
				}
			}
		})
	}
	locked := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	for range 6 {
		for i := range 3000 {
			locked(func() { insert(x, fmt.Sprint("wave ", i), uint64(1000+i), everySecond, clock.Load()) })
		}
		for i := range 1500 {
			locked(func() { endID(t, x, fmt.Sprint("wave ", i)) })
		}
		evicted := 0
		locked(func() { evicted = evictDue(x, clock.Add(3*second)) })
		require.Equal(t, 1500, evicted)
	}
	close(done)
	senders.Wait()
	require.Equal(t, 64, x.Len())
}

// Buckets are rebuilt one after the other, split and merged, while heartbeats come: a host is never
// unknown, and the last contact is carried over.
func TestNoHostIsUnknownWhileItsBucketIsRebuilt(t *testing.T) {
	const hosts, rebuilds = 200, 1000
	x := New(valuesOf[string](), false)
	hashes := make([]Hash, hosts)
	for i := range hosts {
		hashes[i] = insert(x, fmt.Sprint(i), uint64(i), everySecond, 0).Hash()
	}
	contacts := make([]int64, hosts)
	done := make(chan struct{})
	var senders sync.WaitGroup
	for s := range 2 {
		senders.Go(func() {
			for at := int64(1); ; at++ {
				for i := s; i < hosts; i += 2 {
					if _, ok := touchAnyway(x, hashes[i], at); !ok {
						t.Errorf("host %d is unknown", i)
						return
					}
					contacts[i] = at
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range rebuilds {
		x.rebuild(0, x.bucket(1))
		x.rebuild(splitBits, x.bucket(1))
		siblings, live := x.siblings(x.bucket(1))
		require.Equal(t, hosts, live)
		x.rebuild(0, siblings...)
	}
	close(done)
	senders.Wait()
	for i, h := range hashes {
		e, ok := x.Find(h)
		require.True(t, ok)
		require.Equal(t, contacts[i], ContactOf(e.Word()))
	}
}

// Heartbeats and evictions of the same hosts meet, while buckets are rebuilt. A heartbeat that was
// recorded is known to the eviction: its last contact is no earlier.
func TestNoContactIsLostByAnEviction(t *testing.T) {
	const hosts, rounds = 200, 60
	x := New(valuesOf[string](), false)
	var mu sync.Mutex
	var clock atomic.Int64
	var recorded [hosts * (rounds + 1)]atomic.Int64 // the latest contact, by registration
	final := map[uint64]int64{}
	numbers := uint64(0)
	join := func(id string) {
		insert(x, id, numbers, every(10), clock.Add(1))
		numbers++
	}
	done := make(chan struct{})
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				at := clock.Add(1)
				header, ok := touchAnyway(x, x.Hash(fmt.Sprint(i%hosts)), at)
				if !ok {
					continue
				}
				for latest := &recorded[header.Registration]; ; {
					if was := latest.Load(); was >= at || latest.CompareAndSwap(was, at) {
						break
					}
				}
			}
		})
	}
	evict := func(e Entry) int64 {
		v := e.Word()
		if at := ContactOf(v) + int64(e.Timeouts().Evict) + 1; at > clock.Load() {
			return at
		}
		if !e.Evict(v) {
			return clock.Load()
		}
		final[e.Registration()] = ContactOf(e.Word())
		x.Remove(e)
		return never
	}
	for round := range rounds {
		mu.Lock()
		for i := range hosts {
			id := fmt.Sprint(i)
			if _, ok := x.Lookup(x.Hash(id), id); !ok && numbers < uint64(len(recorded)) {
				join(id)
			}
		}
		for i := range 300 {
			if round%2 == 0 {
				insert(x, fmt.Sprint("bulk ", i), uint64(len(recorded)), every(time.Hour), 0)
			} else {
				endID(t, x, fmt.Sprint("bulk ", i))
			}
		}
		now := clock.Load()
		for range 50 {
			x.SweepNext(now, now, evict)
		}
		mu.Unlock()
	}
	close(done)
	senders.Wait()
	require.NotEmpty(t, final)
	for number, contact := range final {
		if at := recorded[number].Load(); at > contact {
			t.Fatalf("registration %d was evicted with last contact %d, but answered one at %d", number, contact, at)
		}
	}
}

// Gaps are learned and policies answer while buckets are rebuilt: nothing learned is lost.
func TestNothingLearnedIsLostByRebuilds(t *testing.T) {
	x := New(valuesOf[string](), true)
	var mu sync.RWMutex
	insert(x, "steady", 1, withHistory, 0)
	const gaps = 20_000
	var learner sync.WaitGroup
	learner.Go(func() {
		h := x.Hash("steady")
		for range gaps {
			e, ok := x.Find(h)
			if !ok || e.Learn(second) {
				continue
			}
			mu.RLock()
			if now, ok := x.Current(e, "steady"); !ok || !now.Learn(second) {
				t.Error("the host is lost")
			}
			mu.RUnlock()
		}
	})
	for wave := range 20 {
		for i := range 1000 {
			mu.Lock()
			if wave%2 == 0 {
				insert(x, fmt.Sprint(i), uint64(i+2), withHistory, 0)
			} else {
				endID(t, x, fmt.Sprint(i))
			}
			mu.Unlock()
		}
	}
	learner.Wait()
	e, _ := x.Lookup(x.Hash("steady"), "steady")
	history, interval, _ := e.Arrivals()
	require.Equal(t, uint64(gaps), history.History(interval).Count)
}
