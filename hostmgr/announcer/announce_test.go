package announcer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// phase waits until a host has joined and has made its next contact, which is at a random phase.
func phase(w *wire) {
	for n := 0; n < 2; n += len(w.calls()) {
		pass(second / 10)
	}
}

func TestAHostAnnouncesItselfAndLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Zone, c.Metadata = "z", func() string { return "data" }
		p := start(t, c)
		h, ok := w.registry.Get("a")
		require.True(t, ok)
		require.Equal(t, "data", h.Metadata)
		require.Equal(t, "z", h.Zone)
		require.Equal(t, hostmgr.DefaultInterval, h.Interval)
		require.Equal(t, uint64(1), h.Incarnation)
		s := p.only()
		require.Equal(t, announcer.Status{
			Interval: 30 * second, Incarnation: 1, Registration: h.Registration, Joined: true, LastContact: s.LastContact,
		}, s)
		require.WithinDuration(t, time.Now(), s.LastContact, 0)

		phase(w)
		pass(300 * second)
		require.Len(t, w.calls(), 10)
		require.NoError(t, p.ends())
		require.Zero(t, w.registry.Len())
		require.Equal(t, uint64(1), w.registry.Stats().Departures.Left)
	})
}

// The first contact after the join comes at a random moment, so that hosts that started together
// are spread.
func TestHostsThatStartTogetherAreSpread(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		var all []*process
		for i := range 300 {
			c := w.config()
			c.ID = fmt.Sprint(i)
			all = append(all, start(t, c))
		}
		require.Len(t, w.calls(), 300)
		for range 30 {
			pass(second)
			require.Less(t, len(w.calls()), 30)
		}
		for range 30 {
			pass(second)
			require.Less(t, len(w.calls()), 30)
		}
		for _, p := range all {
			require.NoError(t, p.ends())
		}
	})
}

// The package comment has the bound. The attempts are counted from the moment at which the contact
// is due until the timeout of two intervals.
func TestAttemptsBeforeTheTimeout(t *testing.T) {
	for name, fault := range map[string]func(context.Context, string) error{"fail at once": down, "hang": hang} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWire(t, hostmgr.Config[string]{})
				p := start(t, w.config())
				for range 20 { // until its phase is known
					phase(w)
				}
				w.breaks(fault)
				for len(w.calls()) == 0 {
					pass(second / 100)
				}
				pass(30*second - second/50)
				n := len(w.calls()) + 1
				require.GreaterOrEqual(t, n, 26)
				require.LessOrEqual(t, n, 34)

				pass(5 * 30 * second) // the pauses grow to an interval
				w.calls()
				pass(100 * 30 * second)
				require.InDelta(t, 100, len(w.calls()), 5)
				w.breaks(nil)
				pass(30 * second)
				require.Equal(t, 1, w.registry.Len())
				require.NoError(t, p.ends())
			})
		})
	}
}

// Failed attempts do not move the phase.
func TestThePhaseIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		p := start(t, w.config())
		phase(w)
		due := p.only().LastContact
		for _, outage := range []time.Duration{40 * second, 100 * second, 1000 * second} {
			w.breaks(down)
			pass(outage)
			w.breaks(nil)
			pass(60 * second) // the retry, and the next contact
			require.Zero(t, p.only().LastContact.Sub(due)%(30*second))
		}
		require.NoError(t, p.ends())
	})
}

func TestTheAdvisedIntervalIsUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		var advice atomic.Int64
		advice.Store(int64(5 * second))
		c := w.config()
		named := make(chan time.Duration, 100)
		c.Announce = func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			named <- a.Interval
			ack, err := w.Announce(ctx, a)
			ack.Interval = time.Duration(advice.Load())
			return ack, err
		}
		p := start(t, c)
		require.Equal(t, 5*second, p.only().Interval)
		pass(52 * second)
		require.InDelta(t, 12, len(w.calls()), 1)
		require.Equal(t, 30*second, <-named)
		require.Equal(t, 5*second, <-named)
		for _, invalid := range []time.Duration{0, -second, 10*time.Millisecond - 1, 24*time.Hour + 1} {
			advice.Store(int64(invalid))
			pass(30 * second)
			require.Equal(t, 30*second, p.only().Interval, invalid)
		}
		require.NoError(t, p.ends())
	})
}

// A registry that restarted, and advises no interval now, answers with the interval that it was
// told. The host does not keep that for ever.
func TestTheAdviceEndsWithTheRegistry(t *testing.T) {
	for _, heartbeats := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: 300 * second, PerSecond: 1}})
			c := w.config()
			if heartbeats {
				c.Heartbeat = w.Heartbeat
			}
			p := start(t, c)
			require.Equal(t, 300*second, p.only().Interval)
			pass(600 * second)
			w.restart(hostmgr.Config[string]{})
			pass(300 * second)
			require.Equal(t, 30*second, p.only().Interval)
			h, _ := w.registry.Get("a")
			require.Equal(t, 30*second, h.Interval)
			require.NoError(t, p.ends())
		})
	}
}

func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Heartbeat = w.Heartbeat
		p := start(t, c)
		pass(90 * second)
		calls := w.calls()
		require.True(t, strings.HasPrefix(calls[0], "announce"))
		for _, call := range calls[1:] {
			require.True(t, strings.HasPrefix(call, "heartbeat"), call)
		}
		require.NoError(t, w.registry.Forget("a", 0))
		pass(30 * second)
		calls = w.calls()
		require.Len(t, calls, 2) // a heartbeat and an announce, at the same moment
		require.Equal(t, strings.Fields(calls[0])[1], strings.Fields(calls[1])[1])
		require.Equal(t, 1, w.registry.Len())
		require.NoError(t, p.ends())
	})
}

// A registry that knows no host does not make a host announce itself in a tight loop.
func TestUnknownHostIsNoLoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Announce = func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			_, err := w.call(ctx, "announce")
			return hostmgr.Ack{}, errors.Join(err, hostmgr.ErrUnknownHost)
		}
		p := start(t, c)
		pass(30 * second)
		require.Less(t, len(w.calls()), 40)
		require.NoError(t, p.ends())

		c = w.config() // the announces are accepted, but heartbeats get to another registry
		c.Heartbeat = func(ctx context.Context, _ string, _ uint64) (hostmgr.Ack, error) {
			_, _ = w.call(ctx, "heartbeat")
			return hostmgr.Ack{}, hostmgr.ErrUnknownHost
		}
		c.Incarnation = 2
		p = start(t, c)
		pass(300 * second)
		require.Less(t, len(w.calls()), 30)
		require.NoError(t, p.ends())
	})
}

func TestMetadataAreAskedForAndOrdered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Heartbeat = w.Heartbeat
		var n atomic.Int64
		c.Metadata = func() string { return fmt.Sprint(n.Add(1)) }
		p := start(t, c)
		h, _ := w.registry.Get("a")
		require.Equal(t, "1", h.Metadata)

		// A refresh overtakes one that is on its way.
		slow := make(chan struct{})
		w.breaks(func(context.Context, string) error { <-slow; return nil })
		p.Refresh()
		pass(second)
		w.breaks(nil)
		p.Refresh()
		p.Refresh()
		pass(second)
		newest := fmt.Sprint(n.Load())
		close(slow)
		pass(second)
		h, _ = w.registry.Get("a")
		require.Equal(t, newest, h.Metadata)
		require.NotZero(t, w.registry.Stats().Overtaken)
		require.NoError(t, p.ends())
	})
}

// A host that is never evicted by time makes no contact once it is registered.
func TestAHostWithIntervalNever(t *testing.T) {
	for _, heartbeats := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{PerSecond: 1}})
			w.breaks(down)
			c := w.config()
			var l joinLog
			if c.Interval, c.Joined = hostmgr.Never, l.joined; heartbeats {
				c.Heartbeat = w.Heartbeat
			}
			p := start(t, c)
			pass(30 * second)
			require.InDelta(t, 30, len(w.calls()), 4) // as with the default interval
			w.breaks(nil)
			pass(30 * second)
			w.calls()
			require.Equal(t, hostmgr.Never, p.only().Interval)
			h, _ := w.registry.Get("a")
			require.Equal(t, hostmgr.Never, h.Interval)
			require.Len(t, l.calls(), 1)
			pass(3 * time.Hour)
			require.Empty(t, w.calls())
			p.Refresh()
			pass(3 * time.Hour)
			require.Len(t, w.calls(), 1)
			require.NoError(t, p.ends())
			require.Zero(t, w.registry.Len())
		})
	}
}

// A Refresh before Run, or after it, causes no second announce at the beginning of the next Run.
func TestARefreshWithoutRunDoesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		a, err := announcer.New(w.config())
		require.NoError(t, err)
		a.Refresh()
		ctx, cancel := context.WithTimeout(t.Context(), second/10)
		defer cancel()
		require.NoError(t, a.Run(ctx))
		require.Equal(t, []string{"announce 0.0", "leave 0.1"}, w.calls())
	})
}
