package recent

import (
	"math/rand/v2"
	"strings"
	"time"
)

const (
	flapWindow   = int64(time.Hour)
	maxFlaps     = 1 << 12
	samples      = 8
	maxForgotten = 512 // by one Expire
)

// Flapping counts, by host, the evictions after which the host came back. It knows at most 4096
// hosts, and forgets a host an hour after its last such eviction. If there is no room, it forgets
// the host with the fewest evictions of 8 random ones, as Redis samples the keys that it evicts. So
// hosts that flap often stay. The zero Flapping is empty and ready to use. It takes no memory when
// all hosts are forgotten.
type Flapping struct {
	flaps  []Flap
	places map[uint64]int // in flaps, by hash
	due    int64          // no flap is to be forgotten before
}

// A Flap is a host that came back after an eviction.
type Flap struct {
	Hash      uint64
	ID        string
	Evictions int
	Last      int64 // when the host was evicted last
}

// before reports whether a flap is worse than another one: it has more evictions, or as many and a
// later one.
func (f *Flap) before(g *Flap) bool {
	return f.Evictions > g.Evictions || f.Evictions == g.Evictions && f.Last > g.Last
}

func (f *Flap) isOld(now int64) bool { return now-f.Last > flapWindow }

// Add counts the eviction of a host that has come back.
func (f *Flapping) Add(hash uint64, id string, evicted, now int64) {
	f.due = min(f.due, evicted+flapWindow)
	i, ok := f.places[hash]
	switch {
	case !ok:
		f.insert(Flap{hash, strings.Clone(id), 1, evicted})
	case f.flaps[i].isOld(now):
		f.flaps[i].Evictions, f.flaps[i].Last = 1, evicted
	default:
		f.flaps[i].Evictions++
		f.flaps[i].Last = max(f.flaps[i].Last, evicted)
	}
}

func (f *Flapping) insert(x Flap) {
	if f.places == nil {
		f.places = map[uint64]int{}
		f.due = x.Last + flapWindow
	}
	if len(f.flaps) < maxFlaps {
		f.places[x.Hash] = len(f.flaps)
		f.flaps = append(f.flaps, x)
		return
	}
	i := f.sample()
	delete(f.places, f.flaps[i].Hash)
	f.places[x.Hash] = i
	f.flaps[i] = x
}

// sample returns the place of the host that is flapping least, of 8 random ones.
func (f *Flapping) sample() int {
	least := rand.IntN(len(f.flaps))
	for range samples - 1 {
		if i := rand.IntN(len(f.flaps)); f.flaps[least].before(&f.flaps[i]) {
			least = i
		}
	}
	return least
}

// Evictions returns how often a host was evicted lately and came back.
func (f *Flapping) Evictions(hash uint64) int {
	if len(f.flaps) == 0 {
		return 0
	}
	if i, ok := f.places[hash]; ok {
		return f.flaps[i].Evictions
	}
	return 0
}

// Worst returns up to n hosts, and n is at least 1: those with the most evictions, and of equals
// those that were evicted later. It reads all hosts once, which takes some 10 microseconds if there
// are 4096. The newest come first, because they are the worst of equals: then few hosts change
// places.
func (f *Flapping) Worst(n int) []Flap {
	var worst []Flap
	for i := len(f.flaps) - 1; i >= 0; i-- {
		x := &f.flaps[i]
		if len(worst) == n && !x.before(&worst[n-1]) {
			continue
		}
		if len(worst) < n {
			worst = append(worst, *x)
		}
		at := len(worst) - 1
		for ; at > 0 && x.before(&worst[at-1]); at-- {
			worst[at] = worst[at-1]
		}
		worst[at] = *x
	}
	return worst
}

// Expire forgets the hosts with a last eviction of more than an hour ago. The caller holds a lock:
// Expire reads the hosts only when one may be old, and forgets at most 512.
func (f *Flapping) Expire(now int64) {
	if len(f.flaps) == 0 || now <= f.due {
		return
	}
	oldest, left := now, maxForgotten
	for i := len(f.flaps) - 1; i >= 0; i-- {
		if x := &f.flaps[i]; left == 0 || !x.isOld(now) {
			oldest = min(oldest, x.Last)
			continue
		}
		f.remove(i)
		left--
	}
	f.due = oldest + flapWindow
	if len(f.flaps) == 0 {
		*f = Flapping{}
	}
}

// remove puts the last host in the place of another one.
func (f *Flapping) remove(i int) {
	last := len(f.flaps) - 1
	delete(f.places, f.flaps[i].Hash)
	if i < last {
		f.flaps[i] = f.flaps[last]
		f.places[f.flaps[i].Hash] = i
	}
	f.flaps[last] = Flap{}
	f.flaps = f.flaps[:last]
}

// Len returns the number of hosts.
func (f *Flapping) Len() int { return len(f.flaps) }
