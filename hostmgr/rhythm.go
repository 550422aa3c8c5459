package hostmgr

import (
	"math"
	"sync/atomic"
	"time"
)

// rhythmMemory is how many beats count: each further one moves mean and variance by a 64th
// of its difference.
const rhythmMemory = 64

// A rhythm is what was learned of one life, for policies that ask for it, and how patient
// they are with the host since. Beats write it without a lock, after the word. Who comes in
// between takes the patience from before that beat, which is as good; two beats at once may
// leave the patience of either.
type rhythm struct {
	moments atomic.Uint64 // mean and deviation of the gaps, in nanoseconds: two float32
	beats   atomic.Uint64
	suspect atomic.Int64 // patience, plus 1; 0: as the terms say
	evict   atomic.Int64 // likewise
	shadow  atomic.Int64 // likewise
}

// learn takes a gap between two beats into account: mean and variance weighted
// exponentially (Finch 2009), of the first beats equally.
func (r *rhythm) learn(gap int64) {
	weight := 1 / float64(min(r.beats.Add(1), rhythmMemory))
	for {
		old := r.moments.Load()
		mean, deviation := moments(old)
		d := float64(gap) - mean
		mean += weight * d
		deviation = math.Sqrt((1 - weight) * (deviation*deviation + weight*d*d))
		fresh := uint64(math.Float32bits(float32(mean)))<<32 | uint64(math.Float32bits(float32(deviation)))
		if r.moments.CompareAndSwap(old, fresh) {
			return
		}
	}
}

func moments(v uint64) (mean, deviation float64) {
	return float64(math.Float32frombits(uint32(v >> 32))), float64(math.Float32frombits(uint32(v)))
}

// pulse is what a policy may know of it.
func (r *rhythm) pulse(interval time.Duration) Pulse {
	p := Pulse{Interval: interval, Beats: r.beats.Load()}
	mean, deviation := moments(r.moments.Load())
	p.Mean, p.Deviation = time.Duration(mean), time.Duration(deviation)
	return p
}

// set notes what the policies answered.
func (r *rhythm) set(t terms) {
	r.suspect.Store(int64(t.suspect) + 1)
	r.evict.Store(int64(t.evict) + 1)
	r.shadow.Store(int64(t.shadow) + 1)
}

// over overrules terms by what was learned.
func (r *rhythm) over(t terms) terms {
	for _, x := range []struct {
		from *atomic.Int64
		to   *time.Duration
	}{{&r.suspect, &t.suspect}, {&r.evict, &t.evict}, {&r.shadow, &t.shadow}} {
		if v := x.from.Load(); v > 0 {
			*x.to = time.Duration(v - 1)
		}
	}
	return t
}

// copy takes over another's. What a beat adds to that one meanwhile is lost, which is one
// gap of many.
func (r *rhythm) copy(o *rhythm) {
	r.moments.Store(o.moments.Load())
	r.beats.Store(o.beats.Load())
	r.suspect.Store(o.suspect.Load())
	r.evict.Store(o.evict.Load())
	r.shadow.Store(o.shadow.Load())
}

// forget begins anew.
func (r *rhythm) forget() { r.copy(&rhythm{}) }
