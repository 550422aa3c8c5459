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
// one interval, for the first 1024 intervals: a host that changes its own gets others. What
// is learned of a host overrules them: see rhythm.
type terms struct {
	interval, suspect, evict time.Duration // of silence; 0: never
	shadow                   time.Duration // until the shadow policy would evict; 0: never
	learns                   bool          // the policy does
	class                    class         // of the gaps between sweeps that it tolerates; classes: it is not impatient
}

// A judge turns intervals into terms by asking the policies, and keeps them.
type judge struct {
	policy, shadow adviser // there may be no shadow
	learns         bool    // one of them does
	longest        int64   // gap between sweeps that a host tolerates unless it is impatient
	log            *slog.Logger
	known          atomic.Pointer[map[time.Duration]*terms] // replaced, never changed in place
	faults         atomic.Uint64
}

// An adviser is a policy, and whether it learns.
type adviser struct {
	Policy
	learns bool
}

func adviserOf(p Policy) adviser { return adviser{prepare(p), learns(p)} }

func newJudge(policy, shadow Policy, log *slog.Logger) *judge {
	j := &judge{policy: adviserOf(policy), shadow: adviserOf(shadow), log: log}
	j.learns = j.policy.learns || j.shadow.learns
	j.known.Store(&map[time.Duration]*terms{})
	return j
}

// terms returns what a host of this interval is judged by. It may call the
// policy: never call it with a lock held.
func (j *judge) terms(interval time.Duration) *terms {
	if t, ok := (*j.known.Load())[interval]; ok {
		return t
	}
	t := j.ask(Pulse{Interval: interval})
	if t.class = classes; t.tolerance() < j.longest {
		t.class = classOf(t.tolerance())
	}
	j.keep(&t)
	return &t
}

// ask asks the policies about a host of whom nothing is known but the interval.
func (j *judge) ask(p Pulse) terms {
	t := j.answer(j.policy, p)
	if j.shadow.Policy != nil {
		t.shadow = j.answer(j.shadow, p).evict
	}
	return t
}

// learn asks those that learn about a host that they have learned of, with no lock held.
func (j *judge) learn(p Pulse) terms {
	t := *j.terms(p.Interval)
	if j.policy.learns {
		a := j.answer(j.policy, p)
		t.suspect, t.evict = a.suspect, a.evict
	}
	if j.shadow.learns {
		t.shadow = j.answer(j.shadow, p).evict
	}
	return t
}

// answer is what one policy says; or what the default does, if that can't be meant.
func (j *judge) answer(a adviser, p Pulse) terms {
	t := terms{interval: p.Interval, learns: a.learns}
	if err := t.ask(a.Policy, p); err != nil {
		if j.faults.Add(1); p.Beats <= 1 { // else it would be said at every beat
			j.log.Error("policy overruled by Multiple(2)", "policy", fmt.Sprintf("%T", a.Policy), "interval", p.Interval, "err", brief(err))
		}
		t.suspect, t.evict = Multiple(2).Patience(p)
	}
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

func (t *terms) ask(policy Policy, p Pulse) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("policy panicked: %v\n%s", p, debug.Stack())
		}
	}()
	t.suspect, t.evict = policy.Patience(p)
	return t.settle()
}

// settle makes the answer of a policy one that can be reckoned with.
func (t *terms) settle() error {
	if t.suspect < 0 || t.evict < 0 || t.evict != 0 && t.evict < t.interval {
		return fmt.Errorf("patience (%v, %v) for an interval of %v", t.suspect, t.evict, t.interval)
	}
	t.suspect, t.evict = min(t.suspect, maxPatience), min(t.evict, maxPatience)
	if t.learns && t.suspect != 0 {
		t.suspect = max(t.suspect, t.interval)
	}
	if t.evict != 0 && t.suspect >= t.evict {
		t.suspect = 0
	}
	return nil
}

// notes tells whether so long a silence is worth a note when it ends: half an interval
// overdue, or more than the shadow would have put up with.
func (t *terms) notes(gap int64) bool {
	return gap > int64(t.interval)*3/2 || t.shadow > 0 && gap > int64(t.shadow)
}

// soonest is the silence up to which a host that is suspect, or is not, needs no
// look. It does not know of stalls, which only ever add to it. What is learned of a host may
// change its patience with any beat, but to no less than its interval.
func (t *terms) soonest(suspect bool) int64 {
	if t.learns {
		return int64(t.interval)
	}
	return t.wait(suspect)
}

// wait is soonest of one host.
func (t *terms) wait(suspect bool) int64 {
	patience := t.evict
	if !suspect && t.suspect > 0 && (t.evict == 0 || t.suspect < t.evict) {
		patience = t.suspect
	}
	if patience == 0 {
		return never
	}
	return int64(patience)
}
