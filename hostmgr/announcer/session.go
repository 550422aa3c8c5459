package announcer

import (
	"context"
	"fmt"
)

// A session is one Run of one target. Its methods run on one goroutine.
type session struct {
	target  *target
	host    *core
	calls   calls
	time    timeline
	now     int64 // as of the latest reading
	planned int64 // the end that the latest wait was given
	joining joining
}

// newSession returns a session that a call of run begins.
//
// A contact that is canceled may still arrive after the leave. So leave waits for the contacts that
// are under way when ctx ends, and their contexts do not end with ctx.
func (t *target) newSession(ctx context.Context) *session {
	t.forgetRefreshes()
	s := &session{target: t, time: newTimeline(t.clock, t.waiter)}
	s.calls = newCalls(context.WithoutCancel(ctx), &s.time, t.log)
	s.host = newCore(t.source(), t.interval, t.incarnation, t.heartbeat != nil, t.log)
	s.host.sequential, s.calls.sequential = t.sequential, t.sequential
	return s
}

// run contacts the target until ctx ends, and then leaves.
func (s *session) run(ctx context.Context) error {
	s.time.waiter.Start()
	defer s.time.waiter.Stop()
	for ctx.Err() == nil && !s.host.stopped {
		s.turn()
		s.rest(ctx, s.next())
	}
	var err error
	if !s.host.stopped {
		err = s.leave()
	}
	s.drain()
	if s.host.stopped {
		err = s.host.err
	}
	return s.target.named(err)
}

// named adds the host to an error, and the name of the target if it has one.
func (t *target) named(err error) error {
	switch {
	case err == nil:
		return nil
	case t.name == "":
		return fmt.Errorf("announcer: host %.99q: %w", t.id, err)
	default:
		return fmt.Errorf("announcer: host %.99q, target %.99q: %w", t.id, t.name, err)
	}
}

// turn does all that is due now.
func (s *session) turn() {
	s.expire()
	for s.host.nextAttempt() <= s.now && !s.host.stopped {
		s.contact()
	}
	s.join()
	s.show()
	s.target.lines.Tick()
}

// read reads the clock.
func (s *session) read() {
	if s.now = s.time.now(); s.host.isPause(s.planned, s.now) {
		s.host.paused()
	}
	s.planned = s.now
}

func (s *session) expire() {
	s.read()
	s.calls.expire(s.now)
}

// next returns when the next turn has work.
func (s *session) next() int64 {
	return min(s.host.nextAttempt(), s.calls.next(), s.nextJoin())
}

// rest waits until a time, or for an event. Meanwhile it only reads the clock, after each nap: a
// process may be many hosts.
func (s *session) rest(ctx context.Context, until int64) {
	for s.now < until && s.wait(ctx, min(until, s.now+int64(nap(s.host.interval)))) {
		s.read()
	}
}

// wait waits until a time, or for an event, and takes that into account. It reports whether there
// was no event.
func (s *session) wait(ctx context.Context, until int64) (passed bool) {
	s.planned = until
	select {
	case <-ctx.Done():
	case <-s.time.waiter.Woken():
		s.read()
		s.calls.settle()
	case <-s.target.refreshes:
		s.read()
		s.host.refresh(s.now)
	case <-s.time.until(until):
		return true
	}
	return false
}

// contact begins an attempt.
func (s *session) contact() {
	a := s.host.begin(s.now)
	c := s.calls.start(a.limit, func(ctx context.Context) outcome { return s.target.attempt(ctx, a) }, func(o outcome) {
		s.host.end(a, o, s.now)
		s.endOver()
	})
	c.attempt = a
}

// endOver ends the contexts of attempts whose answers are not needed any more. That saves work for
// a registry that stops when the context of a call ends.
func (s *session) endOver() {
	for _, c := range s.calls.pending {
		if c.attempt.number > 0 && s.host.isOver(c.attempt) {
			c.end(s.now, errAnswered)
		}
	}
}

// show shows the state in Status.
func (s *session) show() {
	h := s.host
	shown := Status{
		Name: s.target.name, Interval: h.named(), Incarnation: h.incarnation, Registration: h.registration,
		Joined: h.known && (s.target.joined == nil || !h.owed.pending), Failures: h.failures, Err: h.err,
		Stopped: h.stopped, LeftBehind: s.calls.leftBehind,
	}
	if h.joined {
		shown.LastContact = s.time.reading(h.contact)
	}
	s.target.show(shown)
}

// drain ends what is under way. It returns when all calls have returned, or are left behind.
func (s *session) drain() {
	s.expire()
	s.calls.ending = true
	s.endJoined(context.Canceled)
	s.calls.endAll(s.now)
	s.waitUntil(never, func() bool { return s.calls.awaited() == 0 })
	s.show()
}

// waitUntil waits until done returns true, at most until a time.
func (s *session) waitUntil(until int64, done func() bool) {
	for s.expire(); s.now < until && !done(); s.expire() {
		s.wait(context.Background(), min(until, s.calls.next()))
	}
}
