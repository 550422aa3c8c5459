package hostmgr

import (
	"maps"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// maxAnswers is how many answers are kept. For any other question each Announce asks.
const maxAnswers = 1024

// A question is all that the answer for a host without arrival history depends on.
type question struct {
	interval time.Duration
	zone     string // empty if the policies are those of this package
}

// answers has the answers that are kept. They never change: there is a new one with each answer,
// and with each Reconsider. A call that gives an answer to a host reads the round before it asks.
// It reads the round again under the registry's lock, and asks again if there is another one. For
// the reason see reconsideration.
type answers struct {
	round    uint64                               // the Reconsider that asked; 0: none did
	anywhere map[time.Duration]*detector.Timeouts // without a zone
	inZone   map[question]*detector.Timeouts
}

func (a *answers) get(q question) (t *detector.Timeouts, ok bool) {
	if q.zone == "" {
		t, ok = a.anywhere[q.interval]
	} else {
		t, ok = a.inZone[q]
	}
	return t, ok
}

func (a *answers) full() bool { return len(a.anywhere)+len(a.inZone) >= maxAnswers }

// with returns answers with one more.
func (a *answers) with(q question, t *detector.Timeouts) *answers {
	more := &answers{a.round, a.anywhere, a.inZone}
	if q.zone == "" {
		more.anywhere = plus(a.anywhere, q.interval, t)
	} else {
		more.inZone = plus(a.inZone, q, t)
	}
	return more
}

// plus returns a copy of a map with one more element.
func plus[K comparable](m map[K]*detector.Timeouts, k K, t *detector.Timeouts) map[K]*detector.Timeouts {
	more := make(map[K]*detector.Timeouts, len(m)+1)
	maps.Copy(more, m)
	more[k] = t
	return more
}

// keep keeps an answer, unless a Reconsider has replaced the answers since it was asked for.
func (p *policies) keep(q question, t *detector.Timeouts, round uint64) {
	for {
		old := p.answers.Load()
		if old.round != round || old.full() {
			return
		}
		if p.answers.CompareAndSwap(old, old.with(q, t)) {
			return
		}
	}
}
