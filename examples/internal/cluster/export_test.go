package cluster

import "time"

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
