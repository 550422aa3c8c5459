package announcer

import (
	"context"
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

var errOver = errors.New("the registration is over")

// A joining is the calls of Joined in a session, one at a time. The context of a call that
// succeeded goes on, for what it may have started.
type joining struct {
	call  *call         // under way, or nil
	live  *call         // the latest that succeeded, if its context goes on
	ack   hostmgr.Ack   // with which Joined was called last
	round uint64        // for which the plan below is
	at    int64         // when Joined is called next
	pause time.Duration // the longest one after that
	fails int           // of this round
}

// join calls Joined if it is due. It ends the context of a call for a registration that is over.
func (s *session) join() {
	j, o := &s.joining, &s.host.owed
	if s.target.joined == nil {
		return
	}
	if !s.host.known || j.ack.Registration != o.ack.Registration {
		s.endJoined(errOver)
	}
	if j.round != o.round { // another registration
		j.round, j.at, j.pause, j.fails = o.round, s.now, s.host.interval/firstPause, 0
	}
	if s.nextJoin() <= s.now {
		s.callJoined()
	}
}

// nextJoin returns when Joined is to be called.
func (s *session) nextJoin() int64 {
	if s.target.joined == nil || s.joining.call != nil || !s.host.owed.pending {
		return never
	}
	return s.joining.at
}

// endJoined ends the context of Joined, during a call and after it.
func (s *session) endJoined(cause error) {
	if c := s.joining.call; c != nil {
		c.end(s.now, cause)
	}
	if c := s.joining.live; c != nil {
		s.joining.live = nil
		c.cancel(cause)
	}
}

func (s *session) callJoined() {
	s.endJoined(errOver)
	j, ack, round := &s.joining, s.host.owed.ack, s.host.owed.round
	j.at = s.now + int64(s.host.jittered(j.pause))
	j.pause = min(time.Duration(float64(j.pause)*growth), s.host.interval)
	j.ack = ack
	var c *call
	c = s.calls.start(never, func(ctx context.Context) outcome {
		return outcome{err: heard(s.target.joined(ctx, ack))}
	}, func(o outcome) {
		if j.call = nil; o.err == nil && c.endedAt == never {
			j.live, c.goesOn = c, true
		}
		s.hasJoined(ack, round, o.err)
	})
	j.call = c
}

// hasJoined is called when Joined has returned.
func (s *session) hasJoined(ack hostmgr.Ack, round uint64, err error) {
	j, log := &s.joining, s.target.log.With("registration", ack.Registration)
	switch {
	case err == nil:
		if s.host.owed.succeeded(ack.Registration, round); j.fails > 0 {
			log.Info("Joined has succeeded", "failures", j.fails)
		}
	case round == j.round:
		if j.fails++; j.fails == 1 {
			log.Warn("Joined failed, it is repeated", "err", err)
		}
	}
}
