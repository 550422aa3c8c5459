package hostmgr_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// Concurrent histories are checked for linearizability against a sequential model of one host.
// There must be an order of the calls, each at a moment between its begin and its end, in which
// every answer is correct.
//
// Time is the difficulty: a call reads the clock at one moment and takes effect at a later one, and
// the clock moves meanwhile. So the model does not know the exact time of a contact. It knows two
// readings that enclose it: those that the caller made before and after. An eviction is an
// operation of its own, with the evidence of its departure. A sweep is an operation on each host:
// after it, no host is there that was certainly due when it began.

// An operation is one call for one host, or one departure, and the answer.
type operation struct {
	what        string
	id          string
	incarnation uint64
	interval    time.Duration
	age         time.Duration
	call, end   int64         // its place in real time
	lo, hi      time.Duration // the clock before and after

	err   error
	ack   hostmgr.Ack
	there bool                 // Get
	host  hostmgr.Host[string] // Get, and evictions
	seen  time.Duration        // likewise
	at    time.Duration        // of an eviction
}

func (d *operation) String() string {
	return fmt.Sprintf("%d-%d at %d-%d %s %s #%d %v age %v: %+v %v there %t registration %d seen %d at %d", d.call, d.end,
		d.lo, d.hi, d.what, d.id, d.incarnation, d.interval, d.age, d.ack, d.err, d.there, d.host.Registration, d.seen, d.at)
}

// A linear is one host of the sequential program.
type linear struct {
	alive        bool
	incarnation  uint64
	registration uint64 // the latest, also after its end
	ended        uint64 // the latest incarnation that left or was replaced: the test is shorter than the memory
	interval     time.Duration
	lo, hi       time.Duration // the last contact is between these
}

// step reports whether an operation may come next, and does it.
func (s *linear) step(d *operation) bool {
	switch d.what {
	case "announce":
		return s.announce(d)
	case "heartbeat", "observe":
		ok := errors.Is(d.err, s.fence(d.incarnation))
		if ok && d.err == nil {
			s.contact(d)
			// Its interval is read before the heartbeat counts, so the interval is not checked.
			ok = d.what == "observe" || d.ack.Incarnation == s.incarnation && d.ack.Registration == s.registration
		}
		return ok
	case "leave", "forget":
		want := s.fence(d.incarnation)
		s.alive = s.alive && want != nil
		if want == nil && d.what == "leave" {
			s.ended = max(s.ended, s.incarnation)
		}
		return errors.Is(d.err, want) || want == nil && d.what == "leave" && errors.Is(d.err, hostmgr.ErrCleanupPending)
	case "get":
		return d.there == s.alive && (!d.there || s.shows(d))
	case "evicted":
		ok := s.alive && d.host.Registration == s.registration && d.host.Interval == s.interval &&
			s.lo <= d.seen && d.seen <= s.hi && d.at-d.seen > 2*s.interval
		s.alive = false
		return ok
	default: // sweep
		return !s.alive || d.lo-s.hi <= 2*s.interval
	}
}

func (s *linear) fence(incarnation uint64) error {
	switch {
	case !s.alive || incarnation > s.incarnation:
		return hostmgr.ErrUnknownHost
	case incarnation != 0 && incarnation < s.incarnation:
		return hostmgr.ErrStale
	}
	return nil
}

func (s *linear) announce(d *operation) bool {
	switch {
	case s.alive && d.incarnation != 0 && d.incarnation < s.incarnation:
		return errors.Is(d.err, hostmgr.ErrStale)
	case s.alive && (d.incarnation == 0 || d.incarnation == s.incarnation):
		s.interval = d.interval
		s.contact(d)
		return d.err == nil && d.ack == hostmgr.Ack{Interval: s.interval, Incarnation: s.incarnation, Registration: s.registration}
	case d.incarnation != 0 && d.incarnation <= s.ended:
		return errors.Is(d.err, hostmgr.ErrStale)
	}
	if s.alive {
		s.ended = max(s.ended, s.incarnation)
	}
	ok := d.err == nil && d.ack.Registration > s.registration && d.ack.Interval == d.interval &&
		(d.incarnation == 0 || d.ack.Incarnation == d.incarnation)
	*s = linear{true, d.ack.Incarnation, d.ack.Registration, s.ended, d.interval, d.lo, d.hi}
	return ok
}

// contact takes the later of the known contact and that of the call.
func (s *linear) contact(d *operation) {
	s.lo, s.hi = max(s.lo, d.lo-d.age), max(s.hi, d.hi-d.age)
}

// shows reports whether Get may have shown the host like this. Get shows a contact that is newer
// than its own reading of the clock with the time of that reading. So a contact before the call is
// exact, and another one may be later in truth.
func (s *linear) shows(d *operation) bool {
	ok := d.host.Registration == s.registration && d.host.Incarnation == s.incarnation && d.host.Interval == s.interval &&
		d.seen <= s.hi && d.seen <= d.hi && (d.seen >= s.lo || d.seen >= d.lo)
	s.lo = max(s.lo, d.seen)
	if d.seen < d.lo {
		s.hi = d.seen
	}
	return ok
}
