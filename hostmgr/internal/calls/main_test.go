package calls_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = time.Second

// A script is Calls with a limit of 30 s, and what they reported.
type script struct {
	*calls.Calls
	clock *monotime.Clock
	fake  clock.Clock

	mu             sync.Mutex // guards all below
	timedOut, left []any
	replans        int
	afters         []time.Time // for which the clock was asked
}

func newScript(c clock.Clock, maxLeftBehind int) *script {
	s := &script{fake: c}
	s.clock = monotime.New(s, second, func() {})
	s.Calls = calls.New(calls.Config{
		Clock: s.clock, Limit: 30 * second, MaxLeftBehind: maxLeftBehind,
		Replan:     func() { s.note(func() { s.replans++ }) },
		TimedOut:   func(_ *calls.Place, what any) { s.note(func() { s.timedOut = append(s.timedOut, what) }) },
		LeftBehind: func(_ *calls.Place, what any) { s.note(func() { s.left = append(s.left, what) }) },
	})
	return s
}

func (s *script) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *script) Now() time.Time { return s.fake.Now() }

func (s *script) After(d time.Duration) <-chan time.Time {
	s.note(func() { s.afters = append(s.afters, s.fake.Now().Add(d)) })
	return s.fake.After(d)
}

// pending returns how many Afters of the clock are ahead.
func (s *script) pending() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.afters {
		if at.After(s.fake.Now()) {
			n++
		}
	}
	return n
}

// try makes a call on a goroutine of its own, and waits for it as far as Wait does.
func (s *script) try(ctx context.Context, what any, f func(ctx context.Context)) (left bool) {
	p := s.NewPlace(ctx, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.End()
		f(p.Begin(what))
	}()
	return p.Wait(done)
}
