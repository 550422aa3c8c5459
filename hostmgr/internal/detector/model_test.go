package detector

import (
	"math/rand/v2"
	"slices"
	"time"
)

// A model says by brute force what a StallLog says: for each moment that has passed it knows
// whether the registry observed its hosts in it.
type model struct {
	limit   int64
	stalled []bool // by moment; the moment t is the time from t-1 to t
	last    int64  // when the registry last observed its hosts
	stalls  []Stall
	calls   []call
	allowed int64  // the longest gap that is no stall: see drive
	gap     *Stall // the latest gap of a slow driver that was none
}

// A call of Observe, with or without SweepBegins.
type call struct {
	at    int64
	sweep bool
}

func newModel(limit int64) *model {
	return &model{limit: limit, allowed: limit, stalled: []bool{false}}
}

// observe fills in the moments since the last call.
func (m *model) observe(now int64, sweep bool) {
	stalled := m.open(now)
	for int64(len(m.stalled)) <= now {
		m.stalled = append(m.stalled, stalled)
	}
	if stalled {
		m.stalls = append(m.stalls, Stall{From: m.last, To: now, Limit: m.allowed})
	}
	m.last = now
	m.calls = append(m.calls, call{now, sweep})
	m.allowed, m.gap = drive(m.limit, m.calls)
}

func (m *model) open(now int64) bool { return m.limit > 0 && now-m.last > m.allowed }

// drive goes through all calls. It returns the longest gap that is no stall after them, and the
// latest gap of a slow driver that was none, or nil.
func drive(limit int64, calls []call) (allowed int64, slowGap *Stall) {
	var row []int64
	last, ended := int64(0), int64(0)
	allowed = limit
	for _, c := range calls {
		if gap := c.at - last; limit > 0 && gap > limit {
			if gap <= allowed {
				slowGap = &Stall{From: last, To: c.at, Limit: limit}
			}
			row, ended = append(row, gap), c.at
		} else if c.sweep && c.at > ended && 2*(c.at-ended) >= limit {
			row = nil
		}
		allowed = limit
		if n := len(row); n >= 8 {
			allowed = 2 * slices.Sorted(slices.Values(row[n-8:]))[4] // the fourth longest
		}
		last = max(last, c.at)
	}
	return allowed, slowGap
}

// spares reports whether a gap of a slow driver spares the host, whose deadline is the given one.
func (m *model) spares(deadline, now int64) bool {
	g := m.gap
	if gap := now - m.last; m.limit > 0 && gap > m.limit && gap <= m.allowed { // it goes on
		g = &Stall{From: m.last, To: now, Limit: m.limit}
	}
	return g != nil && g.From <= deadline && now <= g.To+g.Limit
}

// stallTime counts moments.
func (m *model) stallTime(t, now int64) (n int64) {
	for i := t + 1; i <= now; i++ {
		if i < int64(len(m.stalled)) && m.stalled[i] || i > m.last && m.open(now) {
			n++
		}
	}
	return n
}

// state is that of a host at now, of which the registry knows what it would know then.
func (m *model) state(contact int64, t *Timeouts, now int64) State {
	return m.judge(contact, t, now, true)
}

// judge returns the state, with or without the time that a gap of a slow driver gives a host.
func (m *model) judge(contact int64, t *Timeouts, now int64, spare bool) State {
	silence, end, limit := int64(0), int64(-1), int64(0)
	for i := contact + 1; i <= now; i++ {
		if stalled := i < int64(len(m.stalled)) && m.stalled[i]; !stalled && (i <= m.last || !m.open(now)) {
			silence++
		}
	}
	for _, s := range m.stalls {
		if s.To <= now {
			end, limit = s.To, s.Limit
		}
	}
	if now >= m.last && m.open(now) {
		end, limit = now, m.allowed
	}
	postponed := end >= 0 && now <= end+int64(t.Interval)+limit && silence <= 2*int64(t.Evict)
	over := t.Evict > 0 && silence > int64(t.Evict)
	if over && !postponed && spare {
		deadline := now - silence + int64(t.Evict)
		if end >= 0 {
			deadline = max(deadline, min(end+int64(t.Interval)+limit, deadline+int64(t.Evict)))
		}
		postponed = m.spares(deadline, now)
	}
	switch {
	case over && !postponed:
		return StateOffline
	case over || t.Suspect > 0 && silence > int64(t.Suspect):
		return StateSuspect
	case silence > int64(t.Interval):
		return StateLate
	}
	return StateAlive
}

// due is the first moment before until at which a sweep would have evicted the host, if no gap of
// a slow driver gave it more time: a recorded log does not have these gaps.
func (m *model) due(contact int64, t *Timeouts, until int64) (at int64, passed bool) {
	for x := contact + 1; x < until; x++ {
		if x > m.last && m.open(until-1) {
			break // in a stall that no sweep has found yet
		}
		if !m.within(x) && m.judge(contact, t, x, false) == StateOffline {
			return x, true
		}
	}
	return 0, false
}

// within reports whether no sweep can have been at x, because of a stall.
func (m *model) within(x int64) bool {
	for _, s := range m.stalls {
		if s.From < x && x < s.To {
			return true
		}
	}
	return false
}

// someTimeouts are random ones that Normalize accepts, within a few dozen moments.
func someTimeouts(rnd *rand.Rand) *Timeouts {
	t := &Timeouts{Interval: time.Duration(1 + rnd.IntN(10)), NeedsHistory: rnd.IntN(2) == 0}
	if rnd.IntN(5) > 0 {
		t.Evict = t.Interval + Slack(t.Interval) + time.Duration(rnd.IntN(30))
	}
	if rnd.IntN(3) > 0 {
		t.Suspect = time.Duration(1 + rnd.IntN(20))
	}
	if err := t.Normalize(); err != nil {
		panic(err)
	}
	return t
}
