package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A quote is the data for the answer to an announcement.
type quote struct {
	had, most time.Duration      // what the host was told before, and may be told: see pacing.Advisor.Pick
	timeouts  *detector.Timeouts // that it has from then on
}

// quotes returns one quote for a host that joins, and one for a host that is registered. It may ask
// the policy, so no lock may be held.
func (p *parts[M]) quotes(said question) (first, again quote) {
	if p.advisor == nil {
		again = p.quote(said, 0)
		return again, again
	}
	now := p.clock.Now()
	again = p.quote(said, p.advisor.Interval(now))
	had, most := p.advisor.QuoteJoin(now)
	if had == again.had && most == again.most {
		return again, again
	}
	first = p.quote(said, most)
	first.had = had
	return first, again
}

func (p *parts[M]) quote(said question, most time.Duration) quote {
	if p.advisor != nil && said.interval != Never {
		said.interval = p.advisor.EffectiveInterval(said.interval, most)
	}
	return quote{most, most, p.policies.timeouts(said)}
}

// ack answers the announcement of a host that was told the interval had, and may be told up to
// most.
func (s *state[M]) ack(e index.Entry, had, most time.Duration, now int64) Ack {
	ack := Ack(e.Header())
	if s.advisor != nil && ack.Interval != Never {
		ack.Interval = s.advisor.Pick(ack.Registration, had, most, now)
	}
	return ack
}
