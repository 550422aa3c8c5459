package announcer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	maxLeftBehind = 8 // calls of a target
	grace         = int64(10 * time.Second)
	maxText       = 1 << 10 // bytes of an error
)

var (
	errLimit      = fmt.Errorf("time limit: %w", context.DeadlineExceeded)
	errLeftBehind = errors.New("the call has not returned 10 s after its context ended, and is left behind")
	errAnswered   = errors.New("another attempt was answered")
	errEnded      = errors.New("the callback ended its goroutine")
)

// A call is one call of a callback. It has its own goroutine, so that it can be left behind. Its
// fields but result are used by the goroutine of the session only.
type call struct {
	cancel     context.CancelCauseFunc
	deadline   time.Time // of its context; the zero time if it has none
	limit      int64     // when its context ends; never if there is no limit
	endedAt    int64     // when its context ended; never before that
	leftBehind bool
	goesOn     bool          // the context goes on after the call has returned
	attempt    attempt       // its number is 0 if this is another call
	done       func(outcome) // called with the result, on the goroutine of the session
	result     outcome       // valid once the call has been sent to calls.results
}

// calls are the calls of one session that have not returned.
type calls struct {
	base       context.Context // of all calls
	log        *slog.Logger
	time       *timeline
	results    chan *call // with room for all, so that no call waits for the session
	pending    []*call
	leftBehind int  // calls in pending that are left behind
	ending     bool // all calls may be left behind, because Run ends

	sequential bool // no attempt is left behind before that
}

func newCalls(base context.Context, t *timeline, log *slog.Logger) calls {
	return calls{base: base, time: t, log: log, results: make(chan *call, maxFlights+maxLeftBehind+2)} // Joined and Leave too
}

// context returns the context of a call.
func (s *calls) context(limit int64) (context.Context, context.CancelCauseFunc, time.Time) {
	ctx, cancel := context.WithCancelCause(s.base)
	deadline, ok := s.time.deadline(limit)
	if !ok {
		return ctx, cancel, deadline
	}
	limited, stop := context.WithDeadlineCause(ctx, deadline, errLimit) //nolint:forbidigo // of the system clock
	return limited, func(cause error) { cancel(cause); stop() }, deadline
}

// start calls f on a goroutine of its own. done gets the result later, or errLeftBehind.
func (s *calls) start(limit int64, f func(context.Context) outcome, done func(outcome)) *call {
	ctx, cancel, deadline := s.context(limit)
	c := &call{cancel: cancel, deadline: deadline, limit: limit, endedAt: never, done: done}
	s.pending = append(s.pending, c)
	go s.run(ctx, c, f, clock.Hold(s.time.clock))
	return c
}

// run makes a call, on its own goroutine. release lets a clock.Mock move on.
func (s *calls) run(ctx context.Context, c *call, f func(context.Context) outcome, release func()) {
	defer release()
	c.result = outcome{err: errEnded}
	defer func() { // even if f ends the goroutine
		s.results <- c
		s.time.waiter.Wake()
	}()
	c.result = protect(ctx, f)
}

// settle takes the results that have arrived, and waits for none.
func (s *calls) settle() {
	for {
		select {
		case c := <-s.results:
			s.returned(c)
		default:
			return
		}
	}
}

// protect calls f. A panic is an error.
func protect(ctx context.Context, f func(context.Context) outcome) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: heard(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))}
		}
	}()
	return f(ctx)
}

// end ends the context of a call.
func (c *call) end(now int64, cause error) {
	if c.endedAt == never {
		c.endedAt = now
		c.cancel(cause)
	}
}

// endAll ends the contexts of all calls.
func (s *calls) endAll(now int64) {
	for _, c := range s.pending {
		c.end(now, nil)
	}
}

// returned takes the result of a call that was received from results. The context of the call ends,
// unless it is that of a Joined that succeeded.
func (s *calls) returned(c *call) {
	for i, p := range s.pending {
		if p == c {
			s.pending = append(s.pending[:i], s.pending[i+1:]...)
			break
		}
	}
	if c.leftBehind {
		s.leftBehind--
	} else {
		c.done(c.result)
	}
	if !c.goesOn {
		c.cancel(nil)
	}
}

// expire ends the contexts of calls that have reached their limits. It leaves a call behind if the
// grace has passed since its context ended.
func (s *calls) expire(now int64) {
	for _, c := range s.pending {
		if c.limit <= now {
			s.exceed(c, now)
		}
		if s.canLeaveBehind(c) && now-c.endedAt >= grace {
			c.leftBehind = true
			s.leftBehind++
			s.log.Error("a call is left behind, it has not returned 10 s after its context ended")
			c.done(outcome{err: errLeftBehind})
		}
	}
}

// exceed ends the context of a call at its limit. If it has a deadline it ends by itself, unless
// the machine was suspended: then the deadline is still to come.
func (s *calls) exceed(c *call, now int64) {
	if c.deadline.IsZero() || s.time.last.Before(c.deadline) {
		c.end(now, errLimit)
	} else {
		c.endedAt = min(c.endedAt, now)
	}
}

// canLeaveBehind reports whether a call is to be left behind when its grace is over.
func (s *calls) canLeaveBehind(c *call) bool {
	keepsPlace := s.sequential && c.attempt.number > 0 || s.leftBehind >= maxLeftBehind
	return c.endedAt < never && !c.leftBehind && (s.ending || !keepsPlace)
}

// next returns when expire has work.
func (s *calls) next() int64 {
	next := never
	for _, c := range s.pending {
		switch {
		case c.endedAt == never:
			next = min(next, c.limit)
		case s.canLeaveBehind(c):
			next = min(next, c.endedAt+grace)
		}
	}
	return next
}

// awaited returns the number of calls that are not left behind.
func (s *calls) awaited() int { return len(s.pending) - s.leftBehind }

// A heardError is an error of a callback with the text that it had when the callback returned it.
// Error is the embedder's code and may hang too. So it is called on the goroutine of the callback.
type heardError struct {
	error
	text string
}

func (e *heardError) Error() string { return e.text }
func (e *heardError) Unwrap() error { return e.error }

func heard(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if len(text) > maxText {
		text = strings.Clone(text[:maxText]) + "..."
	}
	return &heardError{err, text}
}
