package hostmgr

import (
	"math"
	"sync"
	"time"
)

// rhythmMemory is how many gaps count: each further one moves mean and variance by a 64th of its
// difference.
const rhythmMemory = 64

// fewGaps is how many gaps say little about a host.
const fewGaps = 8

// rhythms are what was learned of the hosts of a page, for policies that ask for it. Heartbeats
// write them without Registry.mu, after the word.
//
// When the page is rebuilt, what was learned goes to the new page, and these are moved: they do not
// change any more. A heartbeat that finds them so goes on in the new page (see current), so nothing
// that it learns is lost, nor what the policy answered.
//
// Registry.mu may be held when mu is taken, not the other way round. The policy is asked without
// either: see adapt.
type rhythms struct {
	mu    sync.Mutex // guards all below, and each key's interval against learners
	moved bool       // to another page
	list  []rhythm   // by slot
}

// A rhythm is what was learned of one host, and the timeouts that the policies gave it since. It
// begins with the host's interval, and ends when that changes: then all of it is forgotten.
type rhythm struct {
	moments
	beats uint64 // gaps that were learned
	asked uint64 // of them, those that the policies had been told of; 0: they were not asked yet
	told  moments
	epoch uint32 // counts how often all was forgotten

	suspect, evict, shadow time.Duration // what the policies answered
}

// moments are mean and deviation of the gaps, in nanoseconds.
type moments struct{ mean, deviation float32 }

// pulse is what a policy is told.
func (m moments) pulse(interval time.Duration, beats uint64) Pulse {
	return Pulse{Interval: interval, Mean: time.Duration(m.mean), Deviation: time.Duration(m.deviation), Beats: beats}
}

func newRhythms(slots int) *rhythms { return &rhythms{list: make([]rhythm, slots)} }

// lock takes mu, unless the rhythms have moved.
func (rs *rhythms) lock() bool {
	rs.mu.Lock()
	if rs.moved {
		rs.mu.Unlock()
		return false
	}
	return true
}

// move ends all changes. A nil rhythms is that of a registry that does not learn.
func (rs *rhythms) move() {
	if rs == nil {
		return
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.moved = true
}

// learn takes a gap between two contacts into account: mean and variance weighted exponentially
// (Finch 2009), of the first gaps equally. The influence of one gap is bounded: a longer one counts
// as 4 deviations above the mean. A host whose gaps stay long is learned all the same, for with
// each of them the deviation grows.
func (r *rhythm) learn(gap int64, interval time.Duration) {
	mean, deviation := float64(r.mean), float64(r.deviation)
	d := min(float64(gap), r.longest(float64(interval))) - mean
	r.beats++
	weight := 1 / float64(min(r.beats, rhythmMemory))
	r.mean = float32(mean + weight*d)
	r.deviation = float32(math.Sqrt((1 - weight) * (deviation*deviation + weight*d*d)))
}

// longest is what the next gap counts as at most. The deviation is taken for no less than an eighth
// of the interval, or a quarter of it while few gaps were learned.
func (r *rhythm) longest(interval float64) float64 {
	if r.beats < fewGaps {
		return max(float64(r.mean), interval) + 4*max(float64(r.deviation), interval/4)
	}
	return float64(r.mean) + 4*max(float64(r.deviation), interval/8)
}

// answer takes over what the policies answered to p, unless all was forgotten since they were asked,
// or they have been told of more meanwhile.
func (r *rhythm) answer(t terms, p Pulse, was rhythm) {
	if r.epoch == was.epoch && p.Beats > r.asked {
		r.asked, r.told = p.Beats, was.moments
		r.suspect, r.evict, r.shadow = t.suspect, t.evict, t.shadow
	}
}

// over overrules terms by what was learned.
func (r *rhythm) over(t terms) terms {
	if r.asked > 0 {
		t.suspect, t.evict, t.shadow = r.suspect, r.evict, r.shadow
	}
	return t
}

// forget begins again, with another interval.
func (r *rhythm) forget() { *r = rhythm{epoch: r.epoch + 1} }

// rhythm is a copy of what was learned of the host.
func (l life[M]) rhythm() rhythm {
	rs := l.page.rhythms
	if rs == nil {
		return rhythm{}
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.list[l.slot]
}

// patience is the terms, as far as nothing was learned of the host.
func (l life[M]) patience() terms {
	t := *l.terms()
	if l.page.rhythms != nil {
		t = l.overruled(t)
	}
	return t
}

// overruled is what is left of terms where something was learned.
func (l life[M]) overruled(t terms) terms {
	r := l.rhythm()
	return r.over(t)
}

// learned is patience, and what it was learned from, which go together.
func (l life[M]) learned() (terms, Pulse) {
	if l.page.rhythms == nil {
		return *l.terms(), Pulse{}
	}
	t, r := *l.terms(), l.rhythm()
	return r.over(t), r.told.pulse(t.interval, r.asked)
}

// learn takes a gap into account, unless the host has moved to another page.
func (l life[M]) learn(gap int64) bool {
	rs := l.page.rhythms
	if !rs.lock() {
		return false
	}
	defer rs.mu.Unlock()
	rs.list[l.slot].learn(gap, l.key().interval())
	return true
}

// retune has the host use another interval, of which nothing was learned.
func (l life[M]) retune(interval time.Duration) {
	rs := l.page.rhythms
	if rs == nil {
		l.key().setInterval(interval)
		return
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	l.key().setInterval(interval)
	rs.list[l.slot].forget()
}
