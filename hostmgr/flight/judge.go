package flight

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
	"unsafe"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxStalls  = 4096     // that are remembered, as in a registry
	maxPending = 64 << 20 // bytes of verdicts that wait until it is known whether the host came back
)

var (
	errPending = fmt.Errorf("more than %d MiB of evictions wait to be known as final or not", maxPending>>20)
	errStall   = errors.New("a stall that begins before the one before it was over")
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

// Judge judges each silence of a log again, by policy p. A registry says how much silence p
// grants the host; when that was over follows from the stalls in the log, each with the
// limit that it exceeded. Under the policy that the log was recorded with each verdict is the
// same, to the nanosecond.
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
//
// Judge needs bounded memory, whatever the log: it remembers the latest 4096 stalls, as a registry
// does, and 64 MiB of verdicts that wait. An eviction for which there is no room is an error.
func Judge(log iter.Seq2[Record, error], p hostmgr.Policy) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		if p == nil {
			p = hostmgr.Multiple(2)
		}
		if _, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: p}); err != nil {
			yield(Verdict{}, err)
			return
		}
		j := judge{policy: p, pending: map[string]*Verdict{}}
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
	stalls  []stall
	fine    []stall             // and gaps: the stalls of impatient hosts
	given   time.Duration       // of the latest gap
	pending map[string]*Verdict // by id: Due is when p would have evicted
	held    int                 // bytes of pending
	ready   []*Verdict
}

func (j *judge) yield(yield func(Verdict, error) bool) bool {
	for i, v := range j.ready {
		if j.ready[i] = nil; !yield(*v, nil) {
			return false
		}
	}
	j.ready = j.ready[:0]
	return true
}

func (j *judge) take(r Record) (err error) {
	switch {
	case r.Kind == "begin":
		j.begin()
	case r.Kind == "stall" || r.Kind == "gap":
		err = j.stalled(r)
	case r.Kind == "joined":
		j.comesBack(r)
	case r.silence():
		err = j.judge(r)
	}
	if err != nil {
		return fmt.Errorf("flight: line %d: %w", r.Line, err)
	}
	return nil
}

// begin forgets what another process knew.
func (j *judge) begin() {
	j.giveUp()
	j.stalls, j.fine, j.given = nil, nil, 0
}

// stalled remembers a stall, or a gap.
func (j *judge) stalled(r Record) error {
	s := stall{from: r.From, to: r.At, limit: r.Limit}
	if n := len(j.fine); n > 0 && s.from.Before(j.fine[n-1].to) {
		return errStall
	}
	j.fine = remember(j.fine, s)
	if r.Kind == "gap" {
		j.given = r.Given
	} else {
		j.stalls = remember(j.stalls, s)
	}
	return nil
}

// stallsOf are those that count for a host with this pulse. Whether it is impatient follows from what
// the policy says of its interval alone, as in a registry.
func (j *judge) stallsOf(p hostmgr.Pulse) ([]stall, error) {
	if j.given == 0 {
		return j.stalls, nil
	}
	evict, err := patience(j.policy, hostmgr.Pulse{Interval: p.Interval})
	if err != nil || evict == 0 {
		return j.stalls, err
	}
	if tolerance(evict, p.Interval, learns(j.policy)) < j.given {
		return j.fine, nil
	}
	return j.stalls, nil
}

// judge judges a silence.
func (j *judge) judge(r Record) error {
	evict, err := patience(j.policy, r.Pulse)
	if err != nil {
		return err
	}
	stalls, err := j.stallsOf(r.Pulse)
	if err != nil {
		return err
	}
	t := trial{&r, stalls, evict}
	due, deadline := t.due()
	v := &Verdict{Record: r}
	if due {
		v.Due = deadline
	}
	switch {
	case v.Due.Equal(r.Due):
	case r.Kind == "evicted" && !due:
		v.Due = deadline
		return j.wait(v)
	default:
		v.Change = change(v)
	}
	j.ready = append(j.ready, v)
	return nil
}

// wait keeps a verdict until it is known whether the host came back. If another one waits
// already, the join between them was lost.
func (j *judge) wait(v *Verdict) error {
	if old, two := j.pending[v.ID]; two {
		j.settle(old, later(old))
	}
	if j.held += v.size(); j.held > maxPending {
		j.held -= v.size()
		return errPending
	}
	j.pending[v.ID] = v
	return nil
}

// settle gives a verdict that waited.
func (j *judge) settle(v *Verdict, change string) {
	delete(j.pending, v.ID)
	j.held -= v.size()
	v.Change = change
	j.ready = append(j.ready, v)
}

// size is about what a verdict takes while it waits.
func (v *Verdict) size() int {
	const entry = 64 // of the map, and of what is ready
	return entry + int(unsafe.Sizeof(*v)) + len(v.ID) + len(v.Zone) + len(v.By) + len(v.Policy)
}

// comesBack settles what would have become of a host that was evicted, and joins again.
func (j *judge) comesBack(r Record) {
	v, ok := j.pending[r.ID]
	if !ok {
		return
	}
	if !v.Due.IsZero() && r.At.After(v.Due) {
		j.settle(v, later(v))
		return
	}
	v.Due = time.Time{}
	j.settle(v, fmt.Sprintf("would have been kept: it came back %v after its eviction", r.At.Sub(v.At)))
}

// giveUp settles all of which nothing more is known.
func (j *judge) giveUp() {
	left := slices.SortedFunc(maps.Values(j.pending), func(a, b *Verdict) int { return a.Line - b.Line })
	for _, v := range left {
		j.settle(v, later(v))
	}
}

func later(v *Verdict) string {
	if v.Due.IsZero() {
		return "would not have been evicted"
	}
	return fmt.Sprintf("would have been due %v later", v.Due.Sub(v.Record.Due))
}

func change(v *Verdict) string {
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

// String says in a sentence what was, and what would have been. It is one line of printable text,
// whatever stands in the log.
func (v Verdict) String() string {
	s := fmt.Sprintf("%s %s %q: silent for %v, patience %v at an interval of %v",
		v.At.Format(time.RFC3339Nano), printable(v.Kind), v.ID, v.At.Sub(v.Seen)-v.Excused, v.Patience, v.Pulse.Interval)
	if v.By != "" {
		s += "; held: " + printable(v.By)
	}
	if v.Change != "" {
		s += "; " + printable(v.Change)
	}
	return s
}
