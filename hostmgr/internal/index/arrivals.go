package index

import (
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// arrivals are the arrival histories of the hosts of a bucket, for policies that use them. Heartbeats
// write them without the lock, after the word.
//
// When the bucket is rebuilt its histories go to the new bucket, and these are moved: they do not
// change any more. A heartbeat that finds them so goes on in the new bucket. So no contact is lost
// from the history, nor an answer of the policies.
//
// The lock may be held when mu is taken, not the other way round. The policies are asked without
// either.
type arrivals struct {
	mu    sync.Mutex // guards all below, and each header's interval for holders of mu alone
	moved bool       // to another bucket
	list  []detector.Arrivals
}

func newArrivals(slots int) *arrivals { return &arrivals{list: make([]detector.Arrivals, slots)} }

// lock takes mu, unless the arrivals have moved.
func (a *arrivals) lock() bool {
	a.mu.Lock()
	if a.moved {
		a.mu.Unlock()
		return false
	}
	return true
}

// close ends all changes, for a bucket that is about to be rebuilt. Nil arrivals are those of an index
// that keeps none.
func (a *arrivals) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved = true
}

// Learn adds a gap between two contacts to the arrival history. It returns false, and has done
// nothing, if the entry has moved: then Current finds it. The index must keep the history. It needs
// no lock.
func (e Entry) Learn(gap int64) bool {
	a := e.bucket.arrivals
	if !a.lock() {
		return false
	}
	defer a.mu.Unlock()
	a.list[e.slot].Add(gap, e.Interval())
	return true
}

// Arrivals returns a copy of the arrival history, and the interval that it belongs to. It returns false
// if the entry has moved, and the history may have changed since. The history is empty in an index that
// keeps none. It needs no lock.
func (e Entry) Arrivals() (history detector.Arrivals, interval time.Duration, current bool) {
	a := e.bucket.arrivals
	if a == nil {
		return history, e.Interval(), true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list[e.slot], e.Interval(), !a.moved
}

// Answer takes over what the policies answered to a copy of the arrival history, unless it is too late:
// see detector.Arrivals.Answer. After the end of the registration nothing changes any more, so that
// the evidence of a departure stands. It returns false, and has done nothing, if the entry has
// moved: then Current finds it. The index must keep the history. It needs no lock.
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

// EffectiveTimeouts returns what the host is judged by: Timeouts, as overridden by what the policies
// answered to its arrival history.
func (e Entry) EffectiveTimeouts() detector.Timeouts {
	t := *e.Timeouts()
	if e.bucket.arrivals != nil {
		history, _, _ := e.Arrivals()
		t = history.Override(t)
	}
	return t
}

// Learned returns EffectiveTimeouts, and the history that the policies answered so to.
func (e Entry) Learned() (detector.Timeouts, detector.History) {
	t := *e.Timeouts()
	if e.bucket.arrivals == nil {
		return t, detector.History{}
	}
	history, _, _ := e.Arrivals()
	return history.Override(t), history.Answered(t.Interval)
}

// SetTimeouts has the host judged by other timeouts and their interval from now on. Its arrival
// history begins again, and what the policies answered to the old one no longer counts.
func (e Entry) SetTimeouts(t *detector.Timeouts) {
	e.setTimeouts(t)
	a := e.bucket.arrivals
	if a == nil {
		e.header().setInterval(t.Interval)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	e.header().setInterval(t.Interval)
	a.list[e.slot].Reset()
}
