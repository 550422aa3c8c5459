package hostmgr

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Sample returns up to n distinct hosts that are StateAlive, StateLate or in one of the also
// states, and that keep accepts. A nil keep accepts all hosts. Each such set of hosts is equally
// likely, so a scheduler can use it to pick parents. The result is shorter than n only if there are
// no more such hosts. It is empty if n is not positive. keep is called with no lock held, may call
// the registry, and may be called more than once for a host.
//
// Sample draws hosts at random and drops hosts that do not fit. It needs about n/share draws, where
// share = hosts that fit / all hosts. Sample tests the state of a host first. Only a host with a
// state that fits is copied and shown to keep. If so few hosts fit that it is cheaper, Sample goes
// through all hosts once instead, and shows keep each host with a state that fits. To find hosts of
// a zone that is a small part of the registry, InZone costs less. See benchmarks/README.md.
//
// Neither method prefers a host, and by symmetry neither does the choice between them: it depends
// only on how many of the hosts drawn so far fit.
func (r *Registry[M]) Sample(n int, keep func(Host[M]) bool, also ...State) []Host[M] {
	if n <= 0 {
		return nil
	}
	x := sampling[M]{r: r, n: n, keep: keep, states: newStateSet(also), total: r.Len()}
	x.hosts = make([]Host[M], 0, min(n, x.total, 1024))
	if x.drawAll() {
		return x.hosts
	}
	return x.scan()
}

// A sampling is one call of Sample. Its methods are called with no lock held.
type sampling[M any] struct {
	r      *Registry[M]
	n      int
	keep   func(Host[M]) bool
	states stateSet
	hosts  []Host[M] // the result

	total  int // hosts of the registry, at most as many as at the beginning
	drawn  int // draws so far
	copied int // draws of hosts with a state that fits
	hits   int // draws of hosts that fit, repeated ones included

	ids     idCopies
	entries []index.Entry // memory that each batch uses again
	batch   []Host[M]     // likewise
}

const (
	firstBatch = 16
	maxBatch   = 1024 // draws under one lock, so that Sample does not hold it for long
)

// drawAll draws hosts until there are n. It gives up, and returns false, if a scan is cheaper.
//
// Hosts are told apart by the hash of their id. Two ids have the same hash so rarely that the
// choice is as good as uniform, and the scan does not depend on that.
func (x *sampling[M]) drawAll() bool {
	taken := make(map[index.Hash]struct{}, cap(x.hosts))
	for most := firstBatch; x.worthDrawing(); most = min(4*most, maxBatch) {
		x.draw(min(most, int(math.Ceil(x.draws()))))
		for i := range x.batch {
			h := &x.batch[i]
			if !x.fits(h) {
				continue
			}
			x.hits++
			id := x.r.index.Hash(h.ID)
			if _, twice := taken[id]; twice {
				continue
			}
			taken[id] = struct{}{}
			x.hosts = append(x.hosts, *h)
			last := &x.hosts[len(x.hosts)-1]
			if last.ID = strings.Clone(h.ID); len(x.hosts) == x.n {
				return true
			}
		}
	}
	return false
}

// draws returns about how many draws are still needed, going by those so far. If fit of total hosts
// fit and k are found, the next draw finds another one with probability (fit-k)/total. So the
// number of draws from found to n is the sum of total/(fit-k), which is about
// total*ln((fit-found)/(fit-n)).
func (x *sampling[M]) draws() float64 {
	total, n, found := float64(x.total), float64(x.n), float64(len(x.hosts))
	fit := total * float64(x.hits+1) / float64(x.drawn+1)
	if fit <= n {
		return math.Inf(1)
	}
	return total * math.Log((fit-found)/(fit-n))
}

// The costs of a host, in multiples of one draw.
const (
	drawCopyCost = 3    // to copy a host that was drawn, and to call keep
	scanCost     = 0.03 // to test a state in a scan
	scanCopyCost = 2    // to copy a host in a scan, and to call keep
)

// worthDrawing reports whether a scan of all hosts would cost more than the draws that are still
// needed, going by those so far.
func (x *sampling[M]) worthDrawing() bool {
	copied := float64(x.copied+1) / float64(x.drawn+1)
	return x.draws()*(1+drawCopyCost*copied) < float64(x.total)*(scanCost+scanCopyCost*copied)
}

// draw makes k draws or fewer, and sets batch to snapshots of the hosts with a state that fits.
func (x *sampling[M]) draw(k int) {
	s, now := x.r.rlock()
	defer x.r.mu.RUnlock()
	x.entries = s.index.Pick(x.entries[:0], k)
	x.drawn += max(1, len(x.entries)) // so that it ends, whatever keep does
	x.total = min(x.total, s.limiter.Hosts())
	x.copyFit(s, now)
	x.copied += len(x.batch)
}

// copyFit sets batch to snapshots of the entries with a state that fits.
func (x *sampling[M]) copyFit(s *view[M], now int64) {
	f := sieve{states: x.states, stalls: s.stalls, needHistory: s.policies.needHistory, vouches: s.vouches, now: now}
	fit := f.sift(x.entries)
	x.ids.grow(s.index.Fetch(fit))
	x.batch = slices.Grow(x.batch[:0], len(fit))[:len(fit)]
	for i, e := range fit {
		s.snapshot(&x.batch[i], e, x.ids.clone(e.ID()), now)
	}
}

// fits reports whether Sample may choose a host. It tests the state again, because the snapshot of
// a host that Restore registered may show another state than the sieve has found.
func (x *sampling[M]) fits(h *Host[M]) bool {
	return x.states.has(h.State) && (x.keep == nil || x.keep(*h))
}

// scan samples all hosts by Vitter's algorithm R (1985).
func (x *sampling[M]) scan() []Host[M] {
	x.hosts = x.hosts[:0]
	seen := 0
	for c := (index.Cursor{}); !c.Done(); {
		x.advance(&c)
		for i := range x.batch {
			h := &x.batch[i]
			if !x.fits(h) {
				continue
			}
			seen++
			if len(x.hosts) < x.n {
				x.hosts = append(x.hosts, *h)
			} else if i := rand.IntN(seen); i < x.n {
				x.hosts[i] = *h
			}
		}
	}
	for i := range x.hosts {
		x.hosts[i].ID = strings.Clone(x.hosts[i].ID)
	}
	return x.hosts
}

// advance sets batch to snapshots of the hosts in the next bucket with a state that fits.
func (x *sampling[M]) advance(c *index.Cursor) {
	s, now := x.r.rlock()
	defer x.r.mu.RUnlock()
	f := sieve{states: x.states, stalls: s.stalls, needHistory: s.policies.needHistory, vouches: s.vouches, now: now}
	x.entries = x.entries[:0]
	s.index.AdvanceSince(c, f.since, func(e index.Entry) { x.entries = append(x.entries, e) })
	x.copyFit(s, now)
}
