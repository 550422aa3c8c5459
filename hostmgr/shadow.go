package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

// shadowStats is Stats.Shadow.
type shadowStats struct{ Evictions, Rejoined uint64 }

const rejoinWindow = int64(5 * time.Minute)

// A shadow remembers recent evictions by the policy and counts the hosts that rejoin. It counts
// both also for the second policy, if there is one. The registry's lock guards it.
type shadow struct {
	on       bool // there is a second policy
	stalls   *detector.Stalls
	recent   recent.Evictions // with the time at which the second policy evicts: see evicted
	rejoined uint64
	stats    shadowStats
}

// deadline returns when the second policy evicts a host with its last contact at last. passed is
// false if that is not before until.
func (s *shadow) deadline(t *detector.Timeouts, last, until int64) (at int64, passed bool) {
	second := *t
	second.Evict = t.Shadow
	at, passed = s.stalls.Of(t).Due(last, &second, until)
	return max(1, at), passed // a contact may be from before time 0
}

// contact accounts for a contact of a host, or its replacement.
func (s *shadow) contact(t *detector.Timeouts, last, now int64) {
	if !s.on {
		return
	}
	if at, passed := s.deadline(t, last, now); passed {
		s.stats.Evictions++
		s.countRejoin(at, now)
	}
}

// departed accounts for a host that left, was replaced or forgotten.
func (s *shadow) departed(k DepartureKind, t *detector.Timeouts, last, now int64) {
	switch {
	case !s.on || k == DepartureEvicted:
	case k == DepartureReplaced:
		s.contact(t, last, now)
	default:
		if _, passed := s.deadline(t, last, now); passed {
			s.stats.Evictions++
		}
	}
}

// evicted remembers an eviction by the policy, and when the second policy evicts the host. The time
// of the second policy is stored as a negative number if its eviction is already counted.
func (s *shadow) evicted(e index.Entry, a *assessment, now int64) {
	at := int64(0)
	if s.on {
		passed := false
		at, passed = s.deadline(a.timeouts(e), a.last(e, now), now+1)
		switch {
		case passed:
			s.stats.Evictions++
			at = -at
		case a.judgement != "": // the silence has ended, as by a leave
			at = 0
		}
	}
	if forgotten, ok := s.recent.Add(uint64(e.Hash()), now, at); ok {
		s.forgotten(forgotten)
	}
}

// forgotten counts an eviction by the second policy if no join has come before it.
func (s *shadow) forgotten(at int64) {
	if at > 0 && at < never {
		s.stats.Evictions++
	}
}

// forget forgets the evictions that are more than 5 minutes old.
func (s *shadow) forget(now int64) {
	if !s.on {
		s.recent.Expire(now, nil)
		return
	}
	s.recent.Expire(now, s.forgotten)
}

// joined counts the join of an id that was evicted within the last 5 minutes, and returns when it
// was evicted. A join with a LastContact before the eviction does not count: it does not show that
// the host was alive.
func (s *shadow) joined(h index.Hash, contact, now int64) (evicted int64, ok bool) {
	evicted, at, ok := s.recent.Rejoined(uint64(h), contact, now)
	if !ok {
		return 0, false
	}
	s.rejoined++
	switch {
	case at < 0:
		s.countRejoin(-at, now)
	case at > 0 && at < now:
		s.stats.Evictions++
		s.countRejoin(at, now)
	}
	return evicted, true
}

func (s *shadow) countRejoin(evicted, now int64) {
	if now-evicted <= rejoinWindow {
		s.stats.Rejoined++
	}
}
