package flight

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// maxPending is how many bytes of verdicts may wait until it is known whether the host joined again.
const maxPending = 64 << 20

var (
	errPending = fmt.Errorf("more than %d MiB of evictions wait to be known as final or not", maxPending>>20)
	errStall   = errors.New("a stall that begins before the end of the stall before it")
)

// Replay assesses each silence of a log again, with policy p. A nil p means Fixed(2). The timeout
// comes from p. The deadline follows from the stalls in the log, each with the limit that it
// exceeded. The policy of the recording reaches the same verdicts, to the nanosecond. The exceptions
// are a policy that uses History.Zone or History.Evictions, which p gets without a value, and a
// policy that answered otherwise before a Reconsider.
//
// A HistoryPolicy gets the history that the recording registry had. If that registry kept none, the
// policy assesses each host without a history. Silences of less than 1.5 intervals and less than
// the timeout of the shadow are not in the log, so a policy with a shorter timeout would have
// evicted more hosts than Replay finds. Replay does not repeat the decisions of EvictionLimit and
// Confirm.
//
// Verdicts come in the order of the log, with one exception: if p would have evicted a host later, or
// not at all, the verdict waits until it is known whether the host joined again in time. Errors:
//   - an error about a policy that hostmgr.New refuses is the only element;
//   - an invalid answer of the policy is an error of that silence;
//   - errors of the log are passed on.
//
// Memory is bounded, whatever the log: Replay keeps the latest 4096 stalls, as a registry does, and
// 64 MiB of waiting verdicts. An eviction beyond that is an error.
func Replay(log iter.Seq2[Record, error], p hostmgr.Policy) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		if p == nil {
			p = hostmgr.Fixed(2)
		}
		if _, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: p}); err != nil {
			yield(Verdict{}, err)
			return
		}
		x := replay{policy: p, start: time.Unix(0, 0).UTC(), pending: map[string]*Verdict{}}
		for r, err := range log {
			if err == nil {
				err = x.add(r)
			} else if r.Kind == "begin" { // of a log that cannot be read
				x.begin()
			}
			if err != nil && !yield(Verdict{Record: r}, err) || !x.yieldReady(yield) {
				return
			}
		}
		x.resolveAll()
		x.yieldReady(yield)
	}
}

// A replay is the state of one call of Replay.
type replay struct {
	policy   hostmgr.Policy
	start    time.Time           // of the registry
	stalls   detector.StallLog   // for all hosts
	withGaps detector.StallLog   // for impatient hosts: stalls and gaps
	given    time.Duration       // of the latest gap
	pending  map[string]*Verdict // by id; Due is when the policy would have evicted the host
	waiting  int                 // bytes of pending
	ready    []*Verdict
}

func (x *replay) yieldReady(yield func(Verdict, error) bool) bool {
	for i, v := range x.ready {
		if x.ready[i] = nil; !yield(*v, nil) {
			return false
		}
	}
	x.ready = x.ready[:0]
	return true
}

func (x *replay) add(r Record) (err error) {
	switch {
	case r.Kind == "begin":
		x.begin()
		x.start = r.At
	case r.isStall():
		err = x.addStall(r)
	case r.Kind == "joined":
		x.rejoined(r)
	case r.isSilence():
		err = x.judge(r)
	}
	if err != nil {
		return fmt.Errorf("flight: line %d: %w", r.Line, err)
	}
	return nil
}

// begin discards the state of the process before. Its start remains: a begin that cannot be read
// names no other, and the lines after it are read as before.
func (x *replay) begin() {
	x.resolveAll()
	x.stalls, x.withGaps, x.given = detector.StallLog{}, detector.StallLog{}, 0
}

func (x *replay) addStall(r Record) error {
	from, to, limit := x.since(r.From), x.since(r.At), int64(r.Limit)
	if !x.withGaps.Append(from, to, limit) {
		return errStall
	}
	if r.Kind == "gap" {
		x.given = r.Given
	} else {
		x.stalls.Append(from, to, limit) // in order, because all stalls and gaps are
	}
	return nil
}

// stallsOf returns the stalls that count for a host of this interval. As in a registry, a host is
// impatient by the timeout that the policy gives for the interval alone.
func (x *replay) stallsOf(interval time.Duration) (*detector.StallLog, error) {
	if x.given == 0 {
		return &x.stalls, nil
	}
	evict, err := timeout(x.policy, hostmgr.History{Interval: interval})
	t := detector.Timeouts{Interval: interval, Evict: evict, NeedsHistory: needsHistory(x.policy)}
	if t.Tolerance() < int64(x.given) {
		return &x.withGaps, err
	}
	return &x.stalls, err
}

func (x *replay) judge(r Record) error {
	evict, err := timeout(x.policy, r.History)
	if err != nil {
		return err
	}
	stalls, err := x.stallsOf(r.History.Interval)
	if err != nil {
		return err
	}
	due, deadline := x.due(&r, stalls, &detector.Timeouts{Interval: r.History.Interval, Evict: evict})
	v := &Verdict{Record: r}
	if due {
		v.Due = deadline
	}
	switch {
	case v.Due.Equal(r.Due):
	case r.Kind == "evicted" && !due && r.Judgement == "": // otherwise the embedder evicts it all the same
		v.Due = deadline
		return x.wait(v)
	default:
		v.Change = v.change()
	}
	x.ready = append(x.ready, v)
	return nil
}

// wait keeps a verdict until it is known whether the host joined again. If another verdict of the
// host waits already, the join between the two was lost.
func (x *replay) wait(v *Verdict) error {
	if old, ok := x.pending[v.ID]; ok {
		x.resolve(old, old.later())
	}
	if x.waiting += v.size(); x.waiting > maxPending {
		x.waiting -= v.size()
		return errPending
	}
	x.pending[v.ID] = v
	return nil
}

// resolve makes a verdict that waited ready.
func (x *replay) resolve(v *Verdict, change string) {
	delete(x.pending, v.ID)
	x.waiting -= v.size()
	v.Change = change
	x.ready = append(x.ready, v)
}

// rejoined resolves the verdict of a host that was evicted, and joins again.
func (x *replay) rejoined(r Record) {
	v, ok := x.pending[r.ID]
	if !ok {
		return
	}
	if !v.Due.IsZero() && r.At.After(v.Due) {
		x.resolve(v, v.later())
		return
	}
	v.Due = time.Time{}
	x.resolve(v, fmt.Sprintf("would have been kept: it joined again %v after its eviction", r.At.Sub(v.At)))
}

// resolveAll resolves all verdicts: the log says nothing more about them.
func (x *replay) resolveAll() {
	left := slices.SortedFunc(maps.Values(x.pending), func(a, b *Verdict) int { return a.Line - b.Line })
	for _, v := range left {
		x.resolve(v, v.later())
	}
}
