package announcer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A joinLog is the calls of Joined.
type joinLog struct {
	mu    sync.Mutex // guards all below
	acks  []hostmgr.Ack
	fails int // so many more calls fail
}

func (l *joinLog) joined(_ context.Context, ack hostmgr.Ack) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, ack)
	if l.fails > 0 {
		l.fails--
		return errDown
	}
	return nil
}

func (l *joinLog) calls() []hostmgr.Ack {
	l.mu.Lock()
	defer l.mu.Unlock()
	acks := l.acks
	l.acks = nil
	return acks
}

func TestJoinedIsCalledOnceForEachRegistration(t *testing.T) {
	for _, heartbeats := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{})
			c := w.config()
			var l joinLog
			if c.Joined = l.joined; heartbeats {
				c.Heartbeat = w.Heartbeat
			}
			p := start(t, c)
			first := l.calls()
			require.Len(t, first, 1)
			require.Equal(t, first[0].Registration, p.only().Registration)
			require.True(t, p.only().Joined)
			pass(300 * second)
			require.Empty(t, l.calls())

			require.NoError(t, w.registry.Forget("a", 0)) // it was gone
			pass(30 * second)
			second := l.calls()
			require.Len(t, second, 1)
			require.Greater(t, second[0].Registration, first[0].Registration)

			pass(time.Second)
			w.restart(hostmgr.Config[string]{})
			pass(300 * time.Second)
			third := l.calls()
			require.Len(t, third, 1)
			require.Greater(t, third[0].Registration, second[0].Registration)
			require.NoError(t, p.ends())
		})
	}
}

func TestAJoinedThatFailsIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		l := joinLog{fails: 5}
		c.Joined = l.joined
		p := start(t, c)
		require.False(t, p.only().Joined)
		pass(10 * second)
		require.Len(t, l.calls(), 6)
		require.True(t, p.only().Joined)
		require.Zero(t, p.only().Failures) // it is not a contact
		pass(1000 * second)
		require.Empty(t, l.calls())
		require.NoError(t, p.ends())
	})
}

// The pauses grow to the interval.
func TestAJoinedThatAlwaysFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		l := joinLog{fails: 1e9}
		c.Joined = l.joined
		p := start(t, c)
		pass(600 * second)
		l.calls()
		pass(3000 * second)
		require.InDelta(t, 100, len(l.calls()), 5)
		require.Zero(t, w.registry.Stats().Suspects)
		require.NoError(t, p.ends())
	})
}

// Contacts go on while Joined hangs. Its context ends with the registration; then it is called for
// the next one.
func TestAJoinedThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		var calls, running, most atomic.Int64
		c.Joined = func(ctx context.Context, _ hostmgr.Ack) error {
			calls.Add(1)
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		}
		p := start(t, c)
		pass(300 * second)
		require.GreaterOrEqual(t, len(w.calls()), 10)
		require.EqualValues(t, 1, calls.Load())
		require.False(t, p.only().Joined)
		require.NoError(t, w.registry.Forget("a", 0))
		pass(31 * second)
		require.EqualValues(t, 2, calls.Load())
		require.EqualValues(t, 1, most.Load())
		require.NoError(t, p.ends())
		require.Zero(t, running.Load())
	})
}

// One that ignores its context is left behind 10 s after that. Then it is called for the next
// registration.
func TestAJoinedThatIgnoresItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Interval = second
		var calls atomic.Int64
		forever := make(chan struct{})
		c.Joined = func(context.Context, hostmgr.Ack) error {
			calls.Add(1)
			<-forever
			return nil
		}
		p := start(t, c)
		for range 20 {
			require.NoError(t, w.registry.Forget("a", 0))
			pass(12 * second)
		}
		require.EqualValues(t, 9, calls.Load()) // 8 are left behind
		require.Equal(t, 8, p.only().LeftBehind)
		require.Equal(t, 1, w.registry.Len())
		close(forever)
		pass(second)
		require.Zero(t, p.only().LeftBehind)
		require.True(t, p.only().Joined)
		require.NoError(t, p.ends())
	})
}

func TestAJoinedThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		var calls atomic.Int64
		c.Joined = func(context.Context, hostmgr.Ack) error {
			if calls.Add(1) < 4 {
				panic("not yet")
			}
			return nil
		}
		p := start(t, c)
		pass(10 * second)
		require.EqualValues(t, 4, calls.Load())
		require.True(t, p.only().Joined)
		require.NoError(t, p.ends())
	})
}

// A transport that loses the number of the registration cannot tell whether it is a new one.
func TestAcksWithoutARegistration(t *testing.T) {
	for _, heartbeats := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{})
			c := w.config()
			c.Announce = func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
				_, err := w.Announce(ctx, a)
				return hostmgr.Ack{}, err
			}
			if heartbeats {
				c.Heartbeat = func(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error) {
					_, err := w.Heartbeat(ctx, id, incarnation)
					return hostmgr.Ack{}, err
				}
			}
			var l joinLog
			c.Joined = l.joined
			p := start(t, c)
			pass(300 * second)
			calls := 1 // each announce; heartbeats begin nothing
			if !heartbeats {
				calls = len(w.calls())
			}
			require.Len(t, l.calls(), calls)
			require.NoError(t, w.registry.Forget("a", 0))
			pass(30 * second)
			require.NotEmpty(t, l.calls())
			require.True(t, p.only().Joined)
			require.NoError(t, p.ends())
		})
	}
}

// A wire may carry no acks. Then Joined gets the interval and the incarnation that the host uses.
func TestJoinedIsToldWhatTheHostUses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var l joinLog
		p := start(t, announcer.Config[string]{
			ID: "a", Interval: 40 * second, Incarnation: 7, Joined: l.joined,
			Announce: func(context.Context, hostmgr.Announcement[string]) (hostmgr.Ack, error) {
				return hostmgr.Ack{Interval: 1000 * time.Hour}, nil
			},
		})
		require.Equal(t, []hostmgr.Ack{{Interval: 40 * second, Incarnation: 7}}, l.calls())
		require.NoError(t, p.ends())
	})
}

// What Joined has started may use its context for as long as the registration lasts.
func TestTheContextOfJoinedEndsWithTheRegistration(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		var contexts []context.Context
		c.Joined = func(ctx context.Context, _ hostmgr.Ack) error {
			contexts = append(contexts, ctx)
			return nil
		}
		p := start(t, c)
		pass(300 * time.Second)
		require.Len(t, contexts, 1)
		require.NoError(t, contexts[0].Err())

		require.NoError(t, w.registry.Forget("a", 0))
		pass(31 * time.Second)
		require.Len(t, contexts, 2)
		require.Error(t, contexts[0].Err(), "it was gone")
		require.NoError(t, contexts[1].Err())
		require.NoError(t, p.ends())
		require.Error(t, contexts[1].Err(), "Run has ended")
	})
}
