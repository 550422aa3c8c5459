package detector

import (
	"math/rand/v2"
	"time"
)

// A model says by brute force what a StallLog says: for each moment that has passed it knows
// whether the registry observed its hosts in it.
type model struct {
	limit   int64
	stalled []bool // by moment; the moment t is the time from t-1 to t
	last    int64  // when the registry last observed its hosts
	stalls  []Stall
}

func newModel(limit int64) *model { return &model{limit: limit, stalled: []bool{false}} }

// observe fills in the moments since the last call.
func (m *model) observe(now int64) {
	stalled := m.open(now)
	for int64(len(m.stalled)) <= now {
		m.stalled = append(m.stalled, stalled)
	}
	if stalled {
		m.stalls = append(m.stalls, Stall{From: m.last, To: now, Limit: m.limit})
	}
	m.last = now
}

func (m *model) open(now int64) bool { return m.limit > 0 && now-m.last > m.limit }

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
		end, limit = now, m.limit
	}
	postponed := end >= 0 && now <= end+int64(t.Interval)+limit && silence <= 2*int64(t.Evict)
	over := t.Evict > 0 && silence > int64(t.Evict)
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

// due is the first moment before until at which a sweep would have evicted the host.
func (m *model) due(contact int64, t *Timeouts, until int64) (at int64, passed bool) {
	for x := contact + 1; x < until; x++ {
		if x > m.last && m.open(until-1) {
			break // in a stall that no sweep has found yet
		}
		if !m.within(x) && m.state(contact, t, x) == StateOffline {
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
