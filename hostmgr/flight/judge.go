package flight

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxStalls  = 4096      // that are remembered, as in a registry
	maxSweeps  = 1_000_000 // that one silence is judged with
	maxPending = 1 << 20   // hosts of whom it is not known yet if they came back
)

// A Verdict is what a policy thinks of a silence that stands in a log.
type Verdict struct {
	Record
	// Due is the deadline that passed unheard, or zero if none did: to be compared with
	// Record.Due, which is what the policy of then thought.
	Due time.Time
	// Change says what would have been different; empty if nothing would.
	Change string
}

// Judge judges each silence of a log again, by policy p. It has the registry itself do that:
// on a clock that stands still between, it lets the host announce itself when it was last
// heard, sweeps where the log has stalls, and looks when it is due. So under the policy that
// the log was recorded with each verdict is the same, to the nanosecond.
//
// A policy that learns is told what the recording registry had learned; if that did not learn,
// as of a host of whom nothing is known. Silences of less than one and a half intervals, or
// less than the shadow's patience, are not in the log, so a policy with less patience than
// that would have evicted more than Judge can tell. Guard and Confirm are as they were.
//
// A policy that hostmgr.New refuses is an error, the only one; one whose answer can't be meant is an
// error of that silence. Nil is Multiple(2).
//
// Verdicts come in the order of the log, except that one about an eviction that p would not
// have made yet waits until it is known whether the host came back in time. Errors of the log
// are passed on.
func Judge(log iter.Seq2[Record, error], p hostmgr.Policy) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		if p == nil {
			p = hostmgr.Multiple(2)
		}
		if _, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: p}); err != nil {
			yield(Verdict{}, err)
			return
		}
		j := judge{policy: p, pending: map[string]Verdict{}}
		for r, err := range log {
			if err == nil {
				err = j.take(r)
			} else if r.Kind == "begin" { // of a log that can't be read
				j.begin()
			}
			if err != nil && !yield(Verdict{Record: r}, err) || !j.yield(yield) {
				return
			}
		}
		j.giveUp()
		j.yield(yield)
	}
}

type judge struct {
	policy  hostmgr.Policy
	stalls  []Record
	pending map[string]Verdict // by id: Due is when p would have evicted
	ready   []Verdict
}

func (j *judge) yield(yield func(Verdict, error) bool) bool {
	for _, v := range j.ready {
		if !yield(v, nil) {
			return false
		}
	}
	j.ready = j.ready[:0]
	return true
}

func (j *judge) take(r Record) error {
	switch {
	case r.Kind == "begin":
		j.begin()
	case r.Kind == "stall":
		if len(j.stalls) == maxStalls {
			j.stalls = append(j.stalls[:0], j.stalls[maxStalls/2:]...)
		}
		j.stalls = append(j.stalls, r)
	case r.Kind == "joined":
		j.comesBack(r)
	case r.silence():
		return j.judge(r)
	}
	return nil
}

// begin forgets what another process knew.
func (j *judge) begin() {
	j.giveUp()
	j.stalls = nil
}

// judge judges a silence.
func (j *judge) judge(r Record) error {
	t := trial{Record: r, stalls: relevant(j.stalls, r.Seen)}
	due, deadline, err := t.hold(j.policy)
	if err != nil {
		return fmt.Errorf("flight: line %d: %w", r.Line, err)
	}
	v := Verdict{Record: r}
	if due {
		v.Due = deadline
	}
	switch {
	case v.Due.Equal(r.Due):
	case r.Kind == "evicted" && !due:
		v.Due = deadline
		old, two := j.pending[r.ID]
		if two || len(j.pending) < maxPending {
			j.pending[r.ID] = v
			v = old
		}
		if v.Kind == "" {
			return nil
		}
		v.Change = later(v) // if two: the join between them was lost
	default:
		v.Change = change(v)
	}
	j.ready = append(j.ready, v)
	return nil
}

// comesBack settles what would have become of a host that was evicted, and joins again.
func (j *judge) comesBack(r Record) {
	v, ok := j.pending[r.ID]
	if !ok {
		return
	}
	delete(j.pending, r.ID)
	v.Change = later(v)
	if v.Due.IsZero() || !r.At.After(v.Due) {
		v.Due = time.Time{}
		v.Change = fmt.Sprintf("would have been kept: it came back %v after its eviction", r.At.Sub(v.At))
	}
	j.ready = append(j.ready, v)
}

// giveUp settles all of whom nothing more is known.
func (j *judge) giveUp() {
	left := slices.SortedFunc(maps.Values(j.pending), func(a, b Verdict) int { return a.Line - b.Line })
	for _, v := range left {
		v.Change = later(v)
		j.ready = append(j.ready, v)
	}
	clear(j.pending)
}

func later(v Verdict) string {
	if v.Due.IsZero() {
		return "would not have been evicted"
	}
	return fmt.Sprintf("would have been due %v later", v.Due.Sub(v.Record.Due))
}

func change(v Verdict) string {
	switch was, is := v.Record.Due, v.Due; {
	case is.IsZero():
		return "would not have been due"
	case was.IsZero() && v.Kind == "late":
		return fmt.Sprintf("would have been evicted, and was heard again %v after", v.At.Sub(is))
	case was.IsZero():
		return fmt.Sprintf("would have been evicted %v before", v.At.Sub(is))
	case is.Before(was):
		return fmt.Sprintf("would have been due %v sooner", was.Sub(is))
	default:
		return later(v)
	}
}

// String says in a sentence what was, and what would have been.
func (v Verdict) String() string {
	s := fmt.Sprintf("%s %s %q: silent for %v, patience %v at an interval of %v",
		v.At.Format(time.RFC3339Nano), v.Kind, v.ID, v.At.Sub(v.Seen)-v.Excused, v.Patience, v.Pulse.Interval)
	if v.By != "" {
		s += "; held: " + v.By
	}
	if v.Change != "" {
		s += "; " + v.Change
	}
	return s
}
