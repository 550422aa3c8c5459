package hostmgr

import (
	"fmt"
	"math"
	"time"
)

// A Policy says how much silence makes a host suspect, and how much evicts it. It only answers
// "how long": the registry measures the silence.
//
// Timeouts must be pure and cheap. The registry asks once for each interval that hosts use and
// keeps the answer, for the first 1024 intervals. If hosts use more, it asks at each Announce with
// one of the others; with a Shadow, a Recorder or a HistoryPolicy also at each contact of such a
// host. It holds no lock while it asks.
//
// An answer that is not valid is counted in Stats.PolicyErrors, logged, and replaced by that of
// Fixed(2). That is a panic, a negative duration, or an eviction before the interval is over. A
// host that would be suspect at its eviction or later is never suspect.
type Policy interface {
	// Timeouts returns the silence after which (not at which) a host is
	// suspect, and after which it is evicted. Zero means never.
	Timeouts(History) (suspect, evict time.Duration)
}

// A HistoryPolicy is a Policy that can use the arrival history of each host. If NeedsHistory returns
// true, the registry asks it for each host after each contact, with all fields of History filled in;
// a host is then never suspect before its interval is over. A policy that wraps another one returns what that
// one's NeedsHistory returns.
type HistoryPolicy interface {
	Policy
	NeedsHistory() bool
}

// History is what a Policy may know of a host.
type History struct {
	Interval time.Duration // that the host's timeouts are computed from

	// Mean and Deviation are those of the gaps between the host's contacts. Count is the number of
	// gaps since it joined, or since its interval changed. They are zero for policies that are no
	// HistoryPolicy. Of a gap longer than 1.5 intervals, stalls are subtracted.
	//
	// The influence of one gap is bounded: a gap above Mean + 4 x Deviation counts as that. For
	// this bound the Deviation is at least an eighth of the Interval. During the first 8 gaps it is at least a
	// quarter of the Interval, and the Mean at least the Interval.
	Mean, Deviation time.Duration
	Count           uint64
}

// needsHistory tells whether a policy uses the arrival history of each host.
func needsHistory(p Policy) bool {
	h, ok := p.(HistoryPolicy)
	return ok && h.NeedsHistory()
}

// Fixed is the policy of Dragonfly's scheduler. Fixed(k) evicts a host that has been silent for more
// than k intervals. The host is suspect halfway between its interval and the eviction. Fixed(2) is
// the default; New refuses values below 1, NaN and infinity.
//
// With Fixed(2) a single lost heartbeat leaves no slack: the next one is due at the moment of
// the eviction. Dragonfly's slow GC hides that; a precise sweep does
// not. Use Fixed(2) where hosts retry within their interval, and a greater value elsewhere.
type Fixed float64

// Timeouts implements Policy.
func (m Fixed) Timeouts(p History) (suspect, evict time.Duration) {
	evict = scale(p.Interval, float64(m))
	return p.Interval + (evict-p.Interval)/2, evict
}

func (m Fixed) validate() error {
	if f := float64(m); math.IsNaN(f) || math.IsInf(f, 0) || f < 1 {
		return fmt.Errorf("%w: Fixed(%v): not a finite number of at least 1", ErrInvalid, f)
	}
	return nil
}

// scale returns d * f, bounded by maxTimeout. It is exact to the nanosecond where f is a whole
// number, also for intervals beyond 2^53 ns.
func scale(d time.Duration, f float64) time.Duration {
	whole, part := math.Modf(f)
	if whole >= float64(maxTimeout)/float64(d) {
		return maxTimeout
	}
	return d*time.Duration(whole) + time.Duration(float64(d)*part)
}

// Tiered tells network jitter from a host that is really offline, by the time that
// a heartbeat is overdue: overdue = silence - interval. Up to Jitter the host is late
// and nothing happens; up to Offline it is suspect; beyond Offline it is
// evicted. Zero fields mean 30 s and 5 min. New refuses negative fields, and an Offline
// below Jitter.
type Tiered struct {
	Jitter, Offline time.Duration
}

// Timeouts implements Policy.
func (t Tiered) Timeouts(p History) (suspect, evict time.Duration) {
	t = t.withDefaults()
	return p.Interval + t.Jitter, p.Interval + t.Offline
}

func (t Tiered) withDefaults() Tiered {
	if t.Jitter == 0 {
		t.Jitter = 30 * time.Second
	}
	if t.Offline == 0 {
		t.Offline = 5 * time.Minute
	}
	return t
}

func (t Tiered) validate() error {
	what := ""
	switch t = t.withDefaults(); {
	case t.Jitter < 0 || t.Offline < 0:
		what = "a negative duration"
	case t.Offline < t.Jitter:
		what = "Offline comes before Jitter"
	case t.Offline > maxTimeout:
		what = "Offline is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: Tiered{Jitter: %v, Offline: %v}: %s", ErrInvalid, t.Jitter, t.Offline, what)
}

// validate checks the policies of this package. A nil pointer to one is an error
// too, and so is a policy whose NeedsHistory panics.
func validate(p Policy) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: Config.Policy: %v", ErrInvalid, cause)
		}
	}()
	needsHistory(p)
	if v, ok := p.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}
