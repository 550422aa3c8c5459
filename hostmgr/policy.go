package hostmgr

import (
	"fmt"
	"math"
	"time"
)

// A Policy says how much silence is too much. It answers "how long", never
// "whether": the registry does the counting.
//
// Patience must be pure and cheap: it is asked once for each interval that
// hosts use, not for each host, and its answer is kept (for the first 1024 of
// them; where hosts use more it is asked at each Announce of the others, and with a Shadow, a
// Recorder or a policy that learns at each of their signs of life). It runs with no lock held.
//
// A policy that also has a method Learns() bool that returns true is told all of a Pulse: it
// is asked for each host after each of its signs of life. Its suspicion does not come before
// the interval is over. (Of a policy around another, Learns returns what that of the other
// does.)
//
// An answer that can't be meant (a panic, a negative duration, an
// eviction before the interval is over) is counted in Stats.PolicyFaults,
// logged, and replaced by that of the default, Multiple(2); a suspicion that
// would come at or after the eviction is none.
type Policy interface {
	// Patience returns the silence after which (not at which) a host is
	// suspect, and evicted. Zero means never.
	Patience(Pulse) (suspect, evict time.Duration)
}

// A Pulse is what a Policy may know of a host.
type Pulse struct {
	Interval time.Duration // the one the host is judged by

	// Mean and Deviation are those of the gaps between its signs of life (of one that is longer
	// than one and a half intervals, less what was not listened to), and Beats is how many gaps there were since it joined, or its interval
	// changed. They are zero for policies that do not learn.
	//
	// A gap that is out of proportion counts for less: as the Mean and 4 times the Deviation. For
	// that, the Deviation is no less than an eighth of the Interval; among the first 8 gaps no less
	// than a quarter, and the Mean no less than the Interval.
	Mean, Deviation time.Duration
	Beats           uint64
}

// learns tells whether a policy asks for all of a Pulse.
func learns(p Policy) bool {
	l, ok := p.(interface{ Learns() bool })
	return ok && l.Learns()
}

// Multiple is the policy that Dragonfly's scheduler uses: a host is evicted
// when it has been silent for more than so many intervals, and suspect halfway
// from its interval to that. The default policy is Multiple(2); New refuses one
// below 1, NaN and infinity.
//
// At Multiple(2) one lost beat leaves no slack: the next one is due at the very
// moment of the eviction. Dragonfly's slow GC hides that, a precise sweep does
// not. Use it where hosts retry within their interval, else a greater one.
type Multiple float64

// Patience implements Policy.
func (m Multiple) Patience(p Pulse) (suspect, evict time.Duration) {
	evict = scale(p.Interval, float64(m))
	return p.Interval + (evict-p.Interval)/2, evict
}

func (m Multiple) validate() error {
	if f := float64(m); math.IsNaN(f) || math.IsInf(f, 0) || f < 1 {
		return fmt.Errorf("%w: Multiple(%v): not a finite number of at least 1", ErrInvalid, f)
	}
	return nil
}

// scale returns d * f, exact where f is a whole number (the boundary is settled
// to the nanosecond, also for intervals beyond 2^53 ns), saturating above.
func scale(d time.Duration, f float64) time.Duration {
	whole, part := math.Modf(f)
	if whole >= float64(maxPatience)/float64(d) {
		return maxPatience
	}
	return d*time.Duration(whole) + time.Duration(float64(d)*part)
}

// Tiered tells network jitter from a host that is really offline, by how long
// its sign of life is overdue (silence less interval): up to Jitter it is Late
// and nothing is touched, up to Offline it is Suspect, beyond that it is
// evicted. A field of zero stands for its default: 30 s and 5 min. A negative one
// is an error of New, and so is an Offline below Jitter, defaults included.
type Tiered struct {
	Jitter, Offline time.Duration
}

// Patience implements Policy.
func (t Tiered) Patience(p Pulse) (suspect, evict time.Duration) {
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
	case t.Offline > maxPatience:
		what = "Offline is longer than 36 years"
	default:
		return nil
	}
	return fmt.Errorf("%w: Tiered{Jitter: %v, Offline: %v}: %s", ErrInvalid, t.Jitter, t.Offline, what)
}

// validate checks the policies of this package. A nil pointer to one is an error
// too, of whatever that says, as is a policy whose Learns panics.
func validate(p Policy) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: Config.Policy: %v", ErrInvalid, cause)
		}
	}()
	learns(p)
	if v, ok := p.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}
