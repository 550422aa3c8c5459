package index

import (
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// arrivals has the arrival histories of the hosts of a bucket, for policies that use them.
// Heartbeats change them without the lock, after the word.
//
// When the bucket is rebuilt, its histories are copied to the new bucket and these are marked as
// moved: they no longer change. A heartbeat that finds the mark goes on in the new bucket. So the
// history loses no contact and no answer of the policies.
//
// The lock may be held when mu is taken, not the other way round. The policies are asked without
// either.
type arrivals struct {
	mu    sync.Mutex // guards all below, and each header's interval where the lock is not held
	moved bool       // to another bucket
	list  []detector.Arrivals
}

func newArrivals(slots int) *arrivals { return &arrivals{list: make([]detector.Arrivals, slots)} }

// lock takes mu and returns true, unless the arrivals have moved.
func (a *arrivals) lock() bool {
	a.mu.Lock()
	if a.moved {
		a.mu.Unlock()
		return false
	}
	return true
}

// close marks the arrivals as moved, because the bucket is about to be rebuilt. a is nil in an
// index that keeps no history.
func (a *arrivals) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved = true
}

// Learn adds a gap between two contacts to the arrival history. It returns false, and changes
// nothing, if the entry has moved: then Current finds it. The index must keep the history. Learn
// needs no lock.
func (e Entry) Learn(gap int64) bool {
	a := e.bucket.arrivals
	if !a.lock() {
		return false
	}
	defer a.mu.Unlock()
	a.list[e.slot].Add(gap, e.Interval())
	return true
}

// Arrivals returns a copy of the arrival history, and the interval that it belongs to. current is
// false if the entry has moved, and the history may have changed since. The history is empty in an
// index that keeps none. Arrivals needs no lock.
func (e Entry) Arrivals() (history detector.Arrivals, interval time.Duration, current bool) {
	a := e.bucket.arrivals
	if a == nil {
		return history, e.Interval(), true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[e.slot], e.Interval(), !a.moved
}

// Answer stores the answer of the policies to asked, a copy of the arrival history, unless it comes
// too late: see detector.Arrivals.Answer. After the end of the registration it stores nothing, so
// that the evidence of a departure does not change. It returns false, and changes nothing, if the
// entry has moved: then Current finds it. The index must keep the history. Answer needs no lock.
func (e Entry) Answer(t *detector.Timeouts, asked *detector.Arrivals) bool {
	a := e.bucket.arrivals
	if !a.lock() {
		return false
	}
	defer a.mu.Unlock()
	if e.word().live() {
		a.list[e.slot].Answer(t, asked)
	}
	return true
}

// EffectiveTimeouts returns the timeouts of the host: Timeouts, as overridden by the answer of the
// policies to its arrival history.
func (e Entry) EffectiveTimeouts() detector.Timeouts {
	t := *e.Timeouts()
	if e.bucket.arrivals != nil {
		history, _, _ := e.Arrivals()
		t = history.Override(t)
	}
	return t
}

// Learned returns EffectiveTimeouts, and the history to which the policies gave that answer.
func (e Entry) Learned() (detector.Timeouts, detector.History) {
	t := *e.Timeouts()
	if e.bucket.arrivals == nil {
		return t, detector.History{}
	}
	history, _, _ := e.Arrivals()
	return history.Override(t), history.Answered(t.Interval)
}

// SetTimeouts changes the timeouts of the host, and its interval. If the interval is another one,
// the arrival history begins again. In any case the answers of the policies to former questions no
// longer count: see Outdate.
func (e Entry) SetTimeouts(t *detector.Timeouts) {
	e.setTimeouts(t)
	a := e.bucket.arrivals
	if a == nil {
		e.header().setInterval(t.Interval)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.Interval() == t.Interval {
		a.list[e.slot].Outdate()
		return
	}
	e.header().setInterval(t.Interval)
	a.list[e.slot].Reset()
}

// Outdate makes the answers of the policies to former questions come too late: see
// detector.Arrivals.Outdate. It does nothing in an index that keeps no history.
func (e Entry) Outdate() {
	a := e.bucket.arrivals
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list[e.slot].Outdate()
}
