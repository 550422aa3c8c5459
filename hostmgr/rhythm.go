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
// between takes the patience from before that beat, which is as good.
//
// A patience goes with the interval that it was asked for: that of another one could be far too
// short. So its three words bear that interval, and are overlooked while it is not the host's.
// One beat writes them at a time (the others leave it at that), and begins only while the
// interval is still the one that it asked for. So whoever finds the right interval there finds
// what was asked for it; in part that of a beat, and in part that of the next, maybe.
type rhythm struct {
	moments atomic.Uint64 // mean and deviation of the gaps, in nanoseconds: two float32
	beats   atomic.Uint64
	of      atomic.Int64 // the interval that the patience goes with; 0: none, -1: it is being written
	suspect atomic.Int64
	evict   atomic.Int64
	shadow  atomic.Int64
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

const beingWritten = -1

// set notes what the policies answered, if k still has the interval that they were asked for.
func (r *rhythm) set(t terms, k *key) {
	was := r.of.Load()
	if was == beingWritten || !r.of.CompareAndSwap(was, beingWritten) {
		return
	}
	if k.interval() != t.interval {
		r.of.Store(was)
		return
	}
	r.suspect.Store(int64(t.suspect))
	r.evict.Store(int64(t.evict))
	r.shadow.Store(int64(t.shadow))
	r.of.Store(int64(t.interval))
}

// over overrules terms by what was learned.
func (r *rhythm) over(t terms) terms {
	if of := int64(t.interval); r.of.Load() == of {
		suspect, evict, shadow := r.suspect.Load(), r.evict.Load(), r.shadow.Load()
		if r.of.Load() == of {
			t.suspect, t.evict, t.shadow = time.Duration(suspect), time.Duration(evict), time.Duration(shadow)
		}
	}
	return t
}

// copy takes over another's, which is of a page that is rebuilt. What a beat adds to that one
// meanwhile is lost, which is one gap of many.
func (r *rhythm) copy(o *rhythm) {
	r.moments.Store(o.moments.Load())
	r.beats.Store(o.beats.Load())
	if of := o.of.Load(); of != beingWritten {
		r.suspect.Store(o.suspect.Load())
		r.evict.Store(o.evict.Load())
		r.shadow.Store(o.shadow.Load())
		if o.of.Load() == of {
			r.of.Store(of)
		}
	}
}

// forget begins anew: with another interval.
func (r *rhythm) forget() {
	r.moments.Store(0)
	r.beats.Store(0)
}
