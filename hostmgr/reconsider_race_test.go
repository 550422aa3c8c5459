package hostmgr_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A call got its answer before the Reconsider, and applies it after. No host keeps the old answer.
func TestAnAnswerUnderWayDoesNotOutliveReconsider(t *testing.T) {
	const minute = time.Minute
	for what, call := range map[string]func(*script){
		"a join":    func(s *script) { s.announce(in("", minute)) },
		"a refresh": func(s *script) { s.announce(hostmgr.Announcement[string]{ID: "0", Interval: minute}) },
		"a replacement": func(s *script) {
			s.announce(hostmgr.Announcement[string]{ID: "0", Interval: minute, Incarnation: 1 << 62})
		},
		"a restored host": func(s *script) {
			_, err := s.Restore(slices.Values([]hostmgr.Host[string]{{ID: "a", Interval: minute}}))
			require.NoError(s.t, err)
		},
		"a heartbeat": func(s *script) { s.heartbeat("0") },
		"an observed contact": func(s *script) {
			require.NoError(s.t, s.Observe("0", 0, second/2))
		},
	} {
		forBoth(t, func(t *testing.T, p *changingPolicy) {
			if !p.history && (what == "a heartbeat" || what == "an observed contact") {
				return // it does not ask
			}
			s := newScript(t, hostmgr.Config[string]{Policy: p})
			s.joinAndBeat(1)
			s.clock.Advance(second)
			in, release := p.holdNext()
			done := make(chan struct{})
			go func() { defer close(done); call(s) }()
			<-in
			p.factor.Store(20)
			s.Reconsider()
			release()
			<-done
			for h := range s.All() {
				require.Equal(t, 20*h.Interval, s.timeout(h.ID), "%s: %s", what, h.ID)
			}
			s.announce(hostmgr.Announcement[string]{ID: "b", Interval: minute})
			require.Equal(t, 20*minute, s.timeout("b"), "%s: the answer is not kept", what)
		})
	}
}

// The same for a heartbeat to which a longer interval is advised.
func TestAnAdviceUnderWayDoesNotOutliveReconsider(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p, Pacing: hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 1}})
		s.announce(in("", second))
		s.joinOthers(30)
		for _, id := range s.ids() { // all ask now, except for a
			if id != "a" {
				require.NoError(t, s.Leave(t.Context(), id, 0))
			}
		}
		for i := range 7 {
			s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint("x", i), Interval: 55 * second})
		}
		in, release := p.holdNext()
		done := make(chan struct{})
		go func() { defer close(done); s.heartbeat("a") }()
		select {
		case <-in:
		case <-done: // the answer was kept
		}
		p.factor.Store(20)
		s.Reconsider()
		release()
		<-done
		for h := range s.All() {
			require.Equal(t, 20*h.Interval, s.timeout(h.ID), h.ID)
		}
	})
}

// A host joins with another interval while the policy is asked, so the question is new.
func TestAHostThatJoinsDuringReconsider(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(1)
		var first atomic.Bool
		p.onAnswer(func(hostmgr.History) {
			if first.CompareAndSwap(false, true) {
				p.factor.Store(4) // this Announce gets the answer of before
				s.announce(in("", 7*second))
				p.factor.Store(20)
			}
		})
		p.factor.Store(20)
		s.Reconsider()
		require.Equal(t, 20*second, s.timeout("0"))
		require.Equal(t, 140*second, s.timeout("a"))
	})
}

// A policy that hangs holds up the caller, and no other call. Until it has answered, the former
// answers apply.
func TestAPolicyThatHangsHoldsUpOnlyReconsider(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(3)
		in, release := p.holdNext()
		p.factor.Store(20)
		done := make(chan struct{})
		go func() { defer close(done); s.Reconsider() }()
		<-in
		p.factor.Store(4)
		s.joinAndBeat(5)
		s.heartbeat("4")
		require.Equal(t, 5, s.Len())
		_ = s.Stats()
		s.after(time.Millisecond)
		require.Equal(t, 4*second, s.timeout("0"))
		require.Equal(t, 5, s.after(12*second+1).Evicted)
		s.joinAndBeat(2)
		p.factor.Store(20)
		release()
		<-done
		require.Equal(t, 20*second, s.timeout("0"))
	})
}

// A policy may panic, and may call the registry.
func TestAPolicyThatPanicsInReconsider(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(3)
		p.onAnswer(func(h hostmgr.History) {
			require.Equal(t, 3, s.Len())
			s.heartbeatQuietly("1")
			_ = s.Stats()
			if h.Interval == second {
				panic("on purpose")
			}
		})
		p.factor.Store(20)
		if p.history {
			p.onAnswer(func(h hostmgr.History) {
				if _ = s.Stats(); h.Interval == second {
					panic("on purpose")
				}
			})
		}
		s.Reconsider()
		p.onAnswer(func(hostmgr.History) {})
		require.NotZero(t, s.Stats().PolicyErrors)
		require.Equal(t, 2*second, s.timeout("0"), "Fixed(2)")
		require.Equal(t, 40*second, s.timeout("1"))
	})
}

func (s *script) heartbeatQuietly(id string) { _, _ = s.Heartbeat(id, 0) }

// Two calls overlap. The first to begin gets its answer last: it does not replace the newer one.
func TestTheReconsiderThatBeganLaterApplies(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(3)
		in, release := p.holdNext()
		done := make(chan struct{})
		go func() { defer close(done); s.Reconsider() }()
		<-in
		p.factor.Store(20)
		s.Reconsider()
		p.factor.Store(4)
		release()
		<-done
		require.Equal(t, 20*second, s.timeout("0"))
		s.announce(in3("b"))
		require.Equal(t, 20*3*second, s.timeout("b"))
	})
}
