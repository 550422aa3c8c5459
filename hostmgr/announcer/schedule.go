package announcer

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The plan of attempts, as parts of the interval. The package comment says what follows from it.
const (
	firstPause  = 64   // the longest first pause is interval/firstPause
	urgentPause = 24   // pauses grow to interval/urgentPause while the timeout has not passed
	growth      = 1.25 // of the longest pause, with each attempt
	jitter      = 0.25 // a pause is shorter than the longest one by up to this share
	limitPart   = 4    // an attempt is limited to interval/limitPart

	leastLimit = 20 * time.Millisecond // of an attempt
	leastPause = 10 * time.Millisecond // of the process
	maxFlights = 8                     // attempts under way at a time
)

const never = int64(math.MaxInt64 / 4)

// A schedule plans when the attempts of one host's contacts with one target begin. It reads no
// clock: times are nanoseconds of a monotonic time, and must not decrease from call to call.
type schedule struct {
	rand       *rand.Rand
	interval   time.Duration // in use
	due        int64         // when the current contact was due, or is: its phase
	next       int64         // when its next attempt begins, unless it waits for one under way
	last       int64         // when the latest attempt began
	pause      time.Duration // the longest one after the next attempt
	flights    int           // attempts under way
	sequential bool          // one at a time: see Config.Sequential
	answers    answerTimes
}

// newSchedule returns a schedule whose first contact is due at time 0.
func newSchedule(r *rand.Rand, interval time.Duration) schedule {
	return schedule{rand: r, interval: interval, pause: interval / firstPause}
}

// nextAttempt returns when an attempt is to begin; never while too many are under way. It waits for
// the answer to an attempt under way: a slow registry would otherwise get each contact several
// times, and become slower.
func (s *schedule) nextAttempt() int64 {
	switch {
	case s.flights >= maxFlights, s.sequential && s.flights > 0:
		return never
	case s.flights > 0:
		return max(s.next, s.last+int64(s.answerLimit()))
	default:
		return s.next
	}
}

// answerLimit returns how long an attempt may take before another one begins: a little longer than
// the answers have taken lately, and at most an interval. Before the first answer it is the limit
// of an attempt.
func (s *schedule) answerLimit() time.Duration {
	if s.answers.n == 0 {
		return s.interval / limitPart
	}
	return min(s.answers.longest()*5/4, s.interval)
}

// begin begins an attempt, and returns when it has to end.
func (s *schedule) begin(now int64) (limit int64) {
	longest := s.interval / urgentPause
	allowed := max(s.interval/limitPart, leastLimit, s.answerLimit())
	if now-s.due >= int64(s.interval) { // the timeout may have passed
		longest = s.interval
		allowed = max(allowed, s.pause)
	}
	s.last, s.next = now, now+int64(s.jittered(s.pause))
	s.pause = min(time.Duration(float64(s.pause)*growth), longest)
	s.flights++
	return now + int64(allowed)
}

// jittered shortens a pause at random. A pause of an interval stays: it keeps the phase.
func (s *schedule) jittered(d time.Duration) time.Duration {
	if d >= s.interval {
		return d
	}
	return d - time.Duration(s.rand.Float64()*jitter*float64(d))
}

// accept plans the next contact after an attempt that began at began was accepted. The registry may
// have received it at that time. So a host that was paused for long before it read the answer is
// due at once.
func (s *schedule) accept(began int64, interval time.Duration) {
	s.interval = interval
	s.plan(began)
}

// spread gives the schedule a random phase. Hosts that started together are spread from then on.
func (s *schedule) spread() {
	s.due -= int64(s.rand.Float64() * float64(s.interval))
	s.next = s.due
}

// plan makes the next contact due at most one interval after from. It keeps the phase after missed
// intervals, so that hosts that were paused together stay spread. An early contact, such as a
// Refresh, does not move the phase later.
func (s *schedule) plan(from int64) {
	interval := int64(s.interval)
	if from < s.due {
		s.due = min(s.due, from+interval)
	} else {
		s.due += ((from-s.due)/interval + 1) * interval
	}
	s.next, s.pause = s.due, s.interval/firstPause
}

// hurry makes the next attempt due at once, even if others are under way.
func (s *schedule) hurry(now int64) { s.next, s.last = now, -never }

// answerTimes are how long the latest answers took.
type answerTimes struct {
	latest [3]time.Duration
	n      int
}

func (a *answerTimes) add(d time.Duration) {
	a.latest[a.n%len(a.latest)] = d
	a.n++
}

// longest returns the longest of them. It follows at once when answers become slow. An average
// would let the host add to the load for a while.
func (a *answerTimes) longest() time.Duration { return slices.Max(a.latest[:]) }
