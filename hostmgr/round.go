package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A round is one call of Reconsider: its questions, and all new answers, however many. One
// goroutine uses it.
type round struct {
	policies *policies
	number   uint64 // rounds are numbered in the order in which they begin
	answers  map[question]*detector.Timeouts
	open     []question // without an answer: nil in answers
}

func (p *policies) newRound() *round {
	return &round{policies: p, number: p.rounds.Add(1), answers: map[question]*detector.Timeouts{}}
}

// answer returns the answer to a question. It returns nil, and ask will ask, if there is none yet.
func (x *round) answer(q question) *detector.Timeouts {
	t, ok := x.answers[q]
	if !ok {
		x.answers[q] = nil
		x.open = append(x.open, q)
	}
	return t
}

// ask asks the open questions, with no lock held. An answer that has not changed stays the same
// Timeouts, which the hosts share.
func (x *round) ask() {
	for _, q := range x.open {
		t := x.policies.askAfresh(q)
		if kept, ok := x.policies.answers.Load().get(q); ok && *kept == *t {
			t = kept
		}
		x.answers[q] = t
	}
	x.open = nil
}

// replaceKept replaces the answers that are kept. The caller holds the registry's lock.
func (x *round) replaceKept() { x.policies.answers.Store(x.toKeep()) }

func (x *round) toKeep() *answers {
	a := &answers{round: x.number, anywhere: map[time.Duration]*detector.Timeouts{}, inZone: map[question]*detector.Timeouts{}}
	for q, t := range x.answers {
		if a.full() {
			break
		}
		if q.zone == "" {
			a.anywhere[q.interval] = t
		} else {
			a.inZone[q] = t
		}
	}
	return a
}
