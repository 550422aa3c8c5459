package hostmgr

import (
	"math"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A stateSet is a set of states of hosts: StateAlive and StateLate, and perhaps others.
type stateSet uint8

func newStateSet(also []State) stateSet {
	set := stateSet(1<<StateAlive | 1<<StateLate)
	for _, s := range also {
		set |= 1 << s
	}
	return set
}

func (s stateSet) has(state State) bool { return s&(1<<state) != 0 }

// A sieve finds the entries of hosts that are in one of some states at one moment, before anything
// is copied. The states are those that view.snapshot shows, except for hosts that Restore has
// registered: see view.showRestored. The registry's lock guards what it reads.
//
// It is not generic, so that the compiler inlines what it calls: see assessment.assess.
type sieve struct {
	states      stateSet
	stalls      *detector.Stalls
	needHistory bool
	vouches     *vouches // nil unless the registry is shared
	now         int64
}

// sift returns the entries that fit, in the same memory.
func (f *sieve) sift(entries []index.Entry) []index.Entry {
	fit := entries[:0]
	for _, e := range entries {
		if f.fits(e) {
			fit = append(fit, e)
		}
	}
	return fit
}

// fits reports whether a host fits. It assesses only hosts that have been silent for long.
func (f *sieve) fits(e index.Entry) bool {
	suspects := f.states.has(StateSuspect)
	if suspects && f.states.has(StateOffline) ||
		f.now-index.ContactOf(e.Word()) <= e.Timeouts().MinTimeout(suspects) {
		return true // stalls only add to a timeout
	}
	var a assessment
	a.assess(e, f.stalls, f.needHistory, f.now)
	if f.vouches != nil {
		f.vouches.judge(&a, e, f.stalls, f.now)
	}
	return f.states.has(State(a.State))
}

// since returns a time. Hosts with these timeouts do not fit if their last contact was before it.
func (f *sieve) since(t *detector.Timeouts) int64 {
	if f.needHistory || f.states.has(StateSuspect) || f.states.has(StateOffline) {
		return math.MinInt64
	}
	return f.stalls.SuspectBefore(t, f.now)
}
