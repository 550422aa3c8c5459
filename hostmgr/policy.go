package hostmgr

import (
	"fmt"
	"math"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A Policy says how much silence makes a host suspect, and how much evicts it. It only returns
// limits: the registry measures the silence. It is not asked about hosts with the interval Never.
//
// Timeouts must be cheap, and pure between two calls of Registry.Reconsider: the registry keeps the
// answers. It asks once for each interval and zone that hosts use. It keeps the answers for the
// first 1024 combinations, and asks about any other combination at each Announce. The policies of
// this package use no zone, so they are asked once for each interval. The registry holds no lock
// while it asks. A policy may see any name as a zone, and no name.
//
// An answer is invalid if Timeouts panics, returns a negative duration, or evicts hosts that are on
// time: before
//
//	interval + min(interval/10, 10 ms)
//
// Stats.PolicyErrors counts an invalid answer, the log has it, and the answer of Fixed(2) replaces
// it. A suspicion that would not come before the eviction is left out. New refuses the policies of
// this package if they can only give invalid answers, also when they are embedded in a struct. It
// does not ask other policies: some are wrong for a few intervals only.
type Policy interface {
	// Timeouts returns the silence after which (not at which) a host is suspect, and the silence
	// after which it is evicted. Zero means never.
	Timeouts(History) (suspect, evict time.Duration)
}

// A HistoryPolicy is a Policy that can use the arrival history of each host. If NeedsHistory
// returns true, the registry asks for the timeouts of a host after each of its contacts, with all
// fields of History set. It also asks when a host with Evictions joins. A host is never suspect
// before its interval is over. A policy that wraps another one returns the result of that policy's
// NeedsHistory.
type HistoryPolicy interface {
	Policy
	NeedsHistory() bool
}

// History is the information about a host that a Policy gets.
type History struct {
	Interval time.Duration // from which the host's timeouts are computed
	Zone     string        // that the host announced; empty if none

	// Mean and Deviation describe the gaps between the host's contacts, less stalls in gaps longer
	// than 1.5 intervals. Count is the number of gaps since the host joined or its interval
	// changed. All are zero unless the policy is a HistoryPolicy.
	//
	// The influence of one gap is bounded: a longer gap counts as
	//
	//	Mean + 4 x max(Deviation, Interval/8)
	//	max(Mean, Interval) + 4 x max(Deviation, Interval/4) // during the first 8 gaps
	Mean, Deviation time.Duration
	Count           uint64

	// Evictions is how often the host was evicted lately and joined again within 5 minutes, as in
	// Host.Evictions. It is zero unless the policy is a HistoryPolicy.
	Evictions int
}

// needsHistory reports whether a policy uses the arrival history of each host.
func needsHistory(p Policy) bool {
	h, ok := p.(HistoryPolicy)
	return ok && h.NeedsHistory()
}

// Fixed evicts a host after a fixed number of intervals: Fixed(k) evicts it when it has been silent
// for more than k intervals. The host is suspect halfway between its interval and the eviction.
// Fixed(2), the policy of Dragonfly's scheduler, is the default. New refuses values below 1.1, NaN
// and infinity.
//
// With Fixed(2) a single lost contact leaves no slack: the next contact is due at the moment of the
// eviction. Dragonfly's slow garbage collection hides this; a precise sweep does not. Use Fixed(2)
// if hosts retry within their interval. A host that does not retry needs Fixed(3) to survive one
// lost contact.
//
// Dragonfly's clients announce every 300 s by default, and do not retry. Of 1,000 such hosts that
// each lose one announce, Fixed(2) evicts 497, and Fixed(3) none.
type Fixed float64

const minFixed = 1.1

// Timeouts implements Policy.
func (m Fixed) Timeouts(p History) (suspect, evict time.Duration) {
	evict = scale(p.Interval, float64(m))
	return p.Interval + (evict-p.Interval)/2, evict
}

func (m Fixed) validate() error {
	if f := float64(m); math.IsNaN(f) || math.IsInf(f, 0) || f < minFixed {
		return fmt.Errorf("%w: Fixed(%v): not a finite number of at least %v", ErrInvalid, f, minFixed)
	}
	return nil
}

// scale returns d * f, at most maxTimeout. If f is a whole number the result is exact to the
// nanosecond, even for intervals beyond 2^53 ns.
func scale(d time.Duration, f float64) time.Duration {
	whole, part := math.Modf(f)
	if whole >= float64(maxTimeout)/float64(d) {
		return maxTimeout
	}
	return d*time.Duration(whole) + time.Duration(float64(d)*part)
}

// Tiered distinguishes network jitter from a host that is really offline, by how long a heartbeat
// is overdue:
//
//	overdue = silence - interval
//
// Up to Jitter the host is late, and nothing happens. Up to Offline it is suspect. Beyond Offline
// it is evicted. Zero fields mean 30 s and 5 min. New refuses negative fields, and an Offline below
// Jitter or 1 ms.
//
// A lost contact makes a host overdue by one interval. So a host that does not retry survives one
// lost contact if Offline is clearly above its interval. With the zero Tiered, hosts with an
// interval of 5 min do not. Dragonfly's clients have that interval by default, and do not retry: of
// 1,000 that each lose one announce, 497 are evicted.
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
		what = "Offline is below Jitter"
	case t.Offline < detector.MinSlack:
		what = fmt.Sprintf("Offline is below %v: it evicts hosts that are on time", detector.MinSlack)
	case t.Offline > maxTimeout:
		what = "Offline is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: Tiered{Jitter: %v, Offline: %v}: %s", ErrInvalid, t.Jitter, t.Offline, what)
}

// validate returns an error for a policy of this package that is not valid, for a nil pointer to
// one, and for any policy whose NeedsHistory panics.
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
