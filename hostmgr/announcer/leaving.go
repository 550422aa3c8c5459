package announcer

import (
	"context"
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr"
)

// Parts of Config.LeaveTimeout.
const (
	waitPart       = 2  // the wait for contacts under way
	tryPart        = 4  // the limit of one try
	firstTryPause  = 64 // between the beginnings of tries
	urgentTryPause = 8
)

// ErrNotLeft means that Leave did not succeed within Config.LeaveTimeout. The registry will detect
// the silence of the host.
var ErrNotLeft = errors.New("could not leave")

var errNoAnswer = errors.New("Leave has not returned")

// leave waits for the contacts under way, and leaves. If no announce can have registered the host,
// it does not call Leave. An announce whose answer was lost may have registered it.
func (s *session) leave() error {
	s.expire()
	timeout := int64(s.target.leaveTimeout)
	until := s.now + timeout
	s.endJoined(context.Canceled)
	s.waitUntil(until-timeout/waitPart, func() bool { return s.calls.awaited() == 0 })
	mayBeRegistered := s.host.mayBeRegistered || s.host.flights > 0
	s.calls.endAll(s.now)
	s.host.ignore()
	if s.target.leave == nil || !mayBeRegistered || s.host.stopped {
		return nil
	}
	if err := s.leaveBefore(max(until, s.now+timeout/waitPart)); err != nil {
		return fmt.Errorf("%w within %v: %w", ErrNotLeft, s.target.leaveTimeout, err)
	}
	return nil
}

// leaveBefore repeats Leave until it succeeds. A try begins only when the previous one has
// returned, and its pause has passed.
func (s *session) leaveBefore(until int64) (err error) {
	for pause := s.target.leaveTimeout / firstTryPause; s.now < until; {
		next := s.now + int64(s.host.jittered(pause))
		if err = s.tryLeave(until); err == nil {
			return nil
		}
		s.waitUntil(min(next, until), func() bool { return false })
		pause = min(pause*3/2, s.target.leaveTimeout/urgentTryPause)
	}
	return err
}

// tryLeave calls Leave once, and waits for the answer until a time.
func (s *session) tryLeave(until int64) error {
	result, incarnation := outcome{err: errNoAnswer}, s.host.incarnation
	answered := false
	limit := min(until, s.now+int64(s.target.leaveTimeout)/tryPart)
	s.calls.start(limit, func(ctx context.Context) outcome {
		return s.target.hasLeft(s.target.leave(ctx, s.target.id, incarnation))
	}, func(o outcome) { result, answered = o, true })
	s.waitUntil(until, func() bool { return answered })
	return result.err
}

// hasLeft returns an outcome without an error if the registration is over: the registry has removed
// the host, or does not know it, or knows a newer incarnation.
func (t *target) hasLeft(err error) outcome {
	o := t.judged(outcome{err: err})
	if o.action == AnnounceAgain || o.action == Stale || errors.Is(err, hostmgr.ErrCleanupPending) {
		o.err = nil
	}
	return o
}
