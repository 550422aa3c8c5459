package hostmgr

import (
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// maxPatience keeps every sum of a time and a patience within an int64.
	maxPatience = 1 << 60 // 36 years
	// maxTerms bounds the answers that are kept; beyond it each Announce asks.
	maxTerms = 1024
)

// terms are what a host is judged by. They never change, and are shared by all hosts of
// one interval, for the first 1024 intervals: a host that changes its own gets others.
type terms struct {
	interval, suspect, evict time.Duration // of silence; 0: never
}

// A judge turns intervals into terms by asking the policy, and keeps them.
type judge struct {
	policy Policy
	log    *slog.Logger
	known  atomic.Pointer[map[time.Duration]*terms] // replaced, never changed in place
	faults atomic.Uint64
}

func newJudge(p Policy, log *slog.Logger) *judge {
	j := &judge{policy: p, log: log}
	j.known.Store(&map[time.Duration]*terms{})
	return j
}

// terms returns what a host of this interval is judged by. It may call the
// policy: never call it with a lock held.
func (j *judge) terms(interval time.Duration) *terms {
	if t, ok := (*j.known.Load())[interval]; ok {
		return t
	}
	t, err := j.ask(interval)
	if err != nil {
		j.faults.Add(1)
		j.log.Error("policy overruled by Multiple(2)", "interval", interval, "err", err)
		t.suspect, t.evict = Multiple(2).Patience(Pulse{Interval: interval})
	}
	j.keep(t)
	return t
}

func (j *judge) keep(t *terms) {
	for {
		old := j.known.Load()
		if len(*old) >= maxTerms {
			return
		}
		known := maps.Clone(*old)
		known[t.interval] = t
		if j.known.CompareAndSwap(old, &known) {
			return
		}
	}
}

func (j *judge) ask(interval time.Duration) (t *terms, err error) {
	t = &terms{interval: interval}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("policy panicked: %v\n%s", p, debug.Stack())
		}
	}()
	t.suspect, t.evict = j.policy.Patience(Pulse{Interval: interval})
	return t, t.settle()
}

// settle makes the answer of a policy one that can be reckoned with.
func (t *terms) settle() error {
	if t.suspect < 0 || t.evict < 0 || t.evict != 0 && t.evict < t.interval {
		return fmt.Errorf("patience (%v, %v) for an interval of %v", t.suspect, t.evict, t.interval)
	}
	t.suspect, t.evict = min(t.suspect, maxPatience), min(t.evict, maxPatience)
	if t.evict != 0 && t.suspect >= t.evict {
		t.suspect = 0
	}
	return nil
}

// soonest is the silence up to which a host that is suspect, or is not, needs no
// look. It does not know of stalls, which only ever add to it.
func (t *terms) soonest(suspect bool) int64 {
	patience := t.evict
	if !suspect && t.suspect > 0 {
		patience = t.suspect
	}
	if patience == 0 {
		return never
	}
	return int64(patience)
}
