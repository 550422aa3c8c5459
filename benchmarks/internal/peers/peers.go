// Package peers holds hostlife and what a Go developer would pick instead, behind
// one narrow face, each written as its own documentation suggests. All of them read
// the machine's clock.
package peers

import "time"

// Meta is what a service knows of a host. The figures are about registries, so hosts
// share a few of these, and a registry holds nothing but the pointer.
type Meta struct{ Name string }

// A Registry knows which hosts are there. A host is due for eviction when it was
// silent for longer than the timeout that the registry was made with.
type Registry interface {
	Announce(id string, m *Meta) // joins, or refreshes metadata and deadline
	Heartbeat(id string) bool    // a contact; false, and no entry, if unknown
	Leave(id string) bool
	Sweep() int // evicts the hosts that are due, and returns their number
	Len() int
	Close()
}

// A Sampler can show up to k hosts, each as likely as any other or nearly so.
type Sampler interface{ Sample(k int) int }

// MaxBatch is how many heartbeats a Batcher takes at most by one call.
const MaxBatch = 64

// A Batcher takes many heartbeats by one call: false if a host is unknown to it.
type Batcher interface{ Heartbeats(ids []string) bool }

// A Finder looks metadata up, and is not a heartbeat. Range passes the metadata of all hosts to a
// function.
type Finder interface {
	Metadata(id string) (*Meta, bool)
	Range(func(id string, m *Meta))
}

// An Aligner lets all hosts that announce themselves from now on be due at one
// moment. Timers need it: they fire one by one, so deadlines spread over the time
// that registering took would be no mass death.
type Aligner interface{ Align(due time.Time) }

// A Follower can have one goroutine follow its events until Close. Follow returns when
// that has seen all hosts that are there.
type Follower interface{ Follow() }

// A Runner has a driver for all the time that it serves. Run starts it, and returns what
// stops it.
type Runner interface{ Run() (stop func()) }

// A Peer is one way to do it.
type Peer struct {
	Name  string
	About string
	New   func(timeout time.Duration) Registry
	// Grace is how much later than due a host may be evicted: the grain of a wheel.
	Grace time.Duration
	// Unswept peers evict by themselves: there is no sweep to be timed.
	Unswept bool
	// Stains: it leaves behind what slows the collector for the rest of the process.
	// No other peer should be measured after its mass eviction.
	Stains bool
	// Eager peers evict whenever they are used, not only in a Sweep.
	Eager bool
}

// All lists hostlife and then its peers.
var All = []Peer{
	{Name: "hostlife", About: "this library, through its public face", New: newHostlife},
	{Name: "syncmap", About: "sync.Map of atomics, swept by Range", New: newSyncMap},
	{Name: "rwmutex", About: "map and RWMutex, atomics inside, swept by a full scan", New: newRWMutex},
	{Name: "ttlcache", About: "jellydator/ttlcache v3: map, list and heap under one mutex", New: newTTLCache},
	{Name: "otter", About: "maypok86/otter v2: concurrent map and timer wheel", New: newOtter, Grace: 1200 * time.Millisecond, Eager: true},
	{Name: "gocache", About: "patrickmn/go-cache: map and RWMutex, swept by a full scan", New: newGoCache},
	{Name: "timers", About: "one time.Timer per host, as Nomad does", New: newTimers, Unswept: true, Stains: true},
	{Name: "heap", About: "map and heap by deadline under one mutex, as etcd's lessor does", New: newHeap},
	{Name: "dragonfly", About: "the algorithm of Dragonfly's scheduler: three sync.Maps, three full scans", New: newDragonfly},
}
