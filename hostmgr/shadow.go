package hostmgr

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/histogram"
)

// maxShadowReturns is how many of those that came back are named.
const maxShadowReturns = 16

// ShadowStats are what a second policy would have done; see Config.Shadow. Each silence is
// judged when it is over: when the host is heard again, or departs. The guard and Confirm are
// left out of account, stalls are excused as they are for the policy itself.
type ShadowStats struct {
	// Evicted counts silences that were longer than the shadow's patience: it would have
	// evicted the host then, sooner than the policy did or where that did not. Returned counts
	// those of them after which the host was heard again in the same life, left, or was
	// replaced: its metadata would have been thrown away for nothing.
	Evicted, Returned uint64
	// Later counts hosts that the policy evicted while the shadow still had patience. Spared
	// counts those that the policy evicted and that joined again, within the 5 minutes that
	// Stats.Returned knows of, before the shadow's patience would have run out: it would have
	// kept their metadata. That is reckoned to the second, by the patience of both with a host
	// of the interval that it names now, of whom nothing else is known; so where one of
	// them learns, or the guard or Confirm held the host, Spared may not be part of Later.
	Later, Spared uint64
	// Detection is the time from the last sign of life to when the shadow would have evicted.
	Detection histogram.Snapshot[time.Duration]
	// Latest are the last 16 of Returned, the latest last.
	Latest []ShadowReturn
}

// A ShadowReturn is a host that the shadow would have evicted, and that was heard again.
type ShadowReturn struct {
	ID                string
	EvictAt, Returned time.Time
}

// A shadow is what is known of the second policy. Guarded by Registry.mu.
type shadow struct {
	stats     ShadowStats
	detection histogram.Histogram[time.Duration]
}

func (s *shadow) snapshot() ShadowStats {
	stats := s.stats
	stats.Detection, stats.Latest = s.detection.Snapshot(), slices.Clone(stats.Latest)
	return stats
}

// shadowJudge judges a silence that is over: that of a host that was heard at seen, and not until
// then.
func (r *Registry[M]) shadowJudge(l life[M], seen, until int64) (at int64, evicted bool) {
	t := l.patience()
	t.evict = t.shadow
	if at, evicted = r.ledgerOf(&t).due(seen, &t, until); evicted {
		r.shadow.stats.Evicted++
		r.shadow.detection.Record(time.Duration(at - seen))
	}
	return at, evicted
}

// shadowHeard is told that a host was heard again.
func (r *Registry[M]) shadowHeard(l life[M], seen, heard int64) {
	at, evicted := r.shadowJudge(l, seen, heard)
	if !evicted {
		return
	}
	s := &r.shadow.stats
	s.Returned++
	if len(s.Latest) == maxShadowReturns {
		s.Latest = slices.Delete(s.Latest, 0, 1)
	}
	s.Latest = append(s.Latest, ShadowReturn{strings.Clone(l.id()), r.time.wall(at), r.time.wall(heard)})
}

// shadowDeparted is told that a life is over.
func (r *Registry[M]) shadowDeparted(l life[M], k Kind, now int64) {
	switch seen := seenIn(l.word().load()); k {
	case Left, Replaced:
		r.shadowHeard(l, seen, now)
	default:
		if _, evicted := r.shadowJudge(l, seen, now+1); !evicted && k == Evicted {
			r.shadow.stats.Later++
		}
	}
}

// shadowRejoined is told that a host joins that was evicted so many seconds ago.
func (r *Registry[M]) shadowRejoined(t *terms, ago int64) {
	silence := time.Duration(ago)*time.Second + t.evict
	if t.shadow == 0 || silence < t.shadow {
		r.shadow.stats.Spared++
	}
}
