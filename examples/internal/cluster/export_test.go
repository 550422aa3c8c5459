package cluster

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Report plays scenarios, and prints the table. Their names are s1, s2, ... Each may end the run,
// without a cause as a signal does, and returns its problems.
func Report(out io.Writer, shared bool, scenarios ...func(end context.CancelCauseFunc) (problems []string)) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	t := &trial{ctx: ctx, cancel: cancel, timeline: newTimeline(ctx, io.Discard)}
	t.log = newLog(t.timeline)
	var results []result
	for i, does := range scenarios {
		results = append(results, t.play(scenario{name: fmt.Sprint("s", i+1), play: func(t *trial, f *findings) result {
			f.problems = does(cancel)
			return result{Detail: "well"}
		}}))
	}
	return report(out, results, shared, true, t.ended())
}

// Plan returns the first line of a run.
func Plan(args ...string) (string, error) {
	c, err := parse(args, io.Discard)
	return c.plan(), err
}

// Line is a line of the scheduler's log.
type Line = line

const Replicas = replicas

var testTerms = terms{interval: time.Second, timeout: 2 * time.Second, lag: 500 * time.Millisecond}

// JudgeEviction returns the problems of an eviction at an interval of 1 s, a timeout of 2 s and a lag of
// 500 ms.
func JudgeEviction(killed, gone time.Time, freed, stalled bool, ds []Line) []string {
	f, t := &findings{}, testTerms
	t.stalled = stalled
	f.evicted(end{host: "h", at: killed, gone: gone, freed: freed, departures: ds}, t, replicas)
	return f.problems
}

func JudgeLeave(signalled, gone time.Time, freed bool, ds []Line) []string {
	f := &findings{}
	f.left(end{host: "h", at: signalled, gone: gone, freed: freed, departures: ds}, testTerms.lag, replicas)
	return f.problems
}

func JudgeMass(ds []Line, ids []string, killed time.Time) []string {
	f := &findings{}
	f.massExit(ds, ids, testTerms, killed)
	return f.problems
}

func JudgeBystanders(departed []Line, before, after map[string]string, listed map[string]bool) []string {
	f := &findings{}
	f.bystanders(departed, only("victim"), before, after, listed)
	return f.problems
}

// JudgeOutage returns the problems of an outage of a peer. last is its last announce before, over is when
// the outage ended, again is its first announce after.
func JudgeOutage(last, over, again Line, missing time.Time, registered bool, ds []Line) []string {
	f := &findings{}
	f.outage(&outage{
		name: "SIGSTOP", p: &proc{id: "h"}, last: last, over: over.Time, again: again,
		missing: missing, registered: registered, departures: ds,
	}, testTerms)
	return f.problems
}

// Member is one registration of a host in churn.
type Member = *member

func NewMember(host, fate string, joined time.Time) Member {
	return &member{host: host, fate: fate, joined: joined}
}

func JudgeChurn(ds []Line, registrations []Member) []string {
	f := &findings{}
	concede(ds, registrations)
	f.churn(ds, registrations, testTerms)
	return f.problems
}

func JudgeList(listed map[string]bool, living ...string) []string {
	f, ps := &findings{}, []*proc{}
	for _, id := range living {
		ps = append(ps, &proc{id: id})
	}
	f.exactly(listed, ps)
	return f.problems
}

// Tally is what a scenario with several schedulers has counted.
type Tally = tally

// Recorded is a run with several schedulers whose output the test writes.
type Recorded struct {
	t   *trial
	end func(*findings) *tally
}

func NewRecorded(schedulers int) *Recorded {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // End does not wait
	t := &trial{ctx: ctx, timeline: newTimeline(ctx, io.Discard), cfg: Config{Schedulers: schedulers, Interval: time.Second}}
	t.log = newLog(t.timeline)
	for i := range schedulers {
		t.schedulers = append(t.schedulers, &scheduler{source: t.log.newSource(fmt.Sprint(i))})
	}
	return &Recorded{t, t.beginTally()}
}

// Read reads a line of a scheduler, or of a peer if i is negative.
func (r *Recorded) Read(i int, line string) {
	if i < 0 {
		r.t.log.read([]byte(line))
		return
	}
	r.t.log.readFrom(r.t.schedulers[i].source, []byte(line))
}

func (r *Recorded) End() (Tally, []string) {
	f := &findings{}
	n := r.end(f)
	return *n, f.problems
}

// LastContacts are those of all departures.
func (r *Recorded) LastContacts() (at []time.Time) {
	for _, d := range r.t.log.departures(0) {
		at = append(at, d.LastContact)
	}
	return at
}

// Intersect returns the common list of two schedulers.
func Intersect(a, b map[string]bool) map[string]bool {
	intersect(a, b)
	return a
}
