package announcer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

func TestClassify(t *testing.T) {
	for err, want := range map[error]announcer.Action{
		hostmgr.ErrUnknownHost:   announcer.AnnounceAgain,
		hostmgr.ErrStale:         announcer.Stale,
		hostmgr.ErrInvalid:       announcer.GiveUp,
		hostmgr.ErrFull:          announcer.RetryLater,
		hostmgr.ErrConflict:      announcer.RetryLater,
		errDown:                  announcer.Retry,
		context.DeadlineExceeded: announcer.Retry,
		context.Canceled:         announcer.Retry,
	} {
		require.Equal(t, want, announcer.Classify(fmt.Errorf("rpc: %w", err)), err)
	}
	require.Equal(t, "AnnounceAgain", announcer.AnnounceAgain.String())
	require.Equal(t, "Action(9)", announcer.Action(9).String())
}

func TestInvalidConfigs(t *testing.T) {
	ok := func() announcer.Config[string] {
		return announcer.Config[string]{ID: "a", Announce: func(context.Context, hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			return hostmgr.Ack{}, nil
		}}
	}
	_, err := announcer.New(ok())
	require.NoError(t, err)
	for name, spoil := range map[string]func(*announcer.Config[string]){
		"no id":          func(c *announcer.Config[string]) { c.ID = "" },
		"long id":        func(c *announcer.Config[string]) { c.ID = string(make([]byte, 1025)) },
		"long zone":      func(c *announcer.Config[string]) { c.Zone = string(make([]byte, 1025)) },
		"long speaker":   func(c *announcer.Config[string]) { c.Speaker = string(make([]byte, 1025)) },
		"short interval": func(c *announcer.Config[string]) { c.Interval = 10*time.Millisecond - 1 },
		"long interval":  func(c *announcer.Config[string]) { c.Interval = 24*time.Hour + 1 },
		"negative limit": func(c *announcer.Config[string]) { c.LeaveTimeout = -1 },
		"no announce":    func(c *announcer.Config[string]) { c.Announce = nil },
		"both":           func(c *announcer.Config[string]) { c.Targets = []announcer.Target[string]{{Announce: c.Announce}} },
		"no announce of a target": func(c *announcer.Config[string]) {
			c.Targets, c.Announce = []announcer.Target[string]{{Name: "x"}}, nil
		},
		"two of a name": func(c *announcer.Config[string]) {
			one := announcer.Target[string]{Name: "x", Announce: c.Announce}
			c.Targets, c.Announce = []announcer.Target[string]{one, one}, nil
		},
	} {
		c := ok()
		spoil(&c)
		_, err := announcer.New(c)
		require.ErrorIs(t, err, hostmgr.ErrInvalid, name)
	}
}

func TestARefusalForGoodStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		w.breaks(func(context.Context, string) error { return fmt.Errorf("rpc: %w", hostmgr.ErrInvalid) })
		p := start(t, c)
		err := <-p.done // although ctx has not ended
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
		require.Contains(t, err.Error(), "rpc: hostmgr: invalid")
		s := p.only()
		require.True(t, s.Stopped)
		require.ErrorIs(t, s.Err, hostmgr.ErrInvalid)
		require.Equal(t, []string{"announce 0.0"}, w.calls()) // and no leave
	})
}

func TestAFullRegistryIsAskedOnceAnInterval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{MaxHosts: 1})
		_, err := w.registry.Announce(hostmgr.Announcement[string]{ID: "other", Interval: 24 * time.Hour})
		require.NoError(t, err)
		p := start(t, w.config())
		pass(300 * second)
		require.InDelta(t, 11, len(w.calls()), 1)
		require.ErrorIs(t, p.only().Err, hostmgr.ErrFull)
		require.NoError(t, w.registry.Forget("other", 0))
		pass(30 * second)
		require.NotZero(t, p.only().Registration)
		require.NoError(t, p.ends())
	})
}

// The clock of the host went back, and its former process is still registered, or has left.
func TestARestartedHostTakesAGreaterIncarnation(t *testing.T) {
	for _, left := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{})
			_, err := w.registry.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 1000})
			require.NoError(t, err)
			if left {
				require.NoError(t, w.registry.Leave(t.Context(), "a", 0))
			}
			c := w.config()
			c.Announce = refusedBy(w, 1000)
			p := start(t, c)
			require.Len(t, w.calls(), 2)
			h, _ := w.registry.Get("a")
			require.Equal(t, uint64(1001), h.Incarnation)
			require.Equal(t, uint64(1001), p.only().Incarnation)
			require.NoError(t, p.ends())
			require.Zero(t, w.registry.Len())
		})
	}
}

// refusedBy tells with ErrStale which incarnation refused.
func refusedBy(w *wire, incarnation uint64) func(context.Context, hostmgr.Announcement[string]) (hostmgr.Ack, error) {
	return func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
		ack, err := w.Announce(ctx, a)
		if errors.Is(err, hostmgr.ErrStale) {
			ack.Incarnation = incarnation
		}
		return ack, err
	}
}

// It does so once: two processes do not take the id from each other for ever.
func TestAnIncarnationIsRaisedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, refused := range []uint64{1000, math.MaxUint64 - 1} {
			w := newWire(t, hostmgr.Config[string]{})
			c := w.config()
			c.Announce = func(ctx context.Context, _ hostmgr.Announcement[string]) (hostmgr.Ack, error) {
				_, _ = w.call(ctx, "announce")
				return hostmgr.Ack{Incarnation: refused}, hostmgr.ErrStale
			}
			p := start(t, c)
			require.ErrorIs(t, <-p.done, hostmgr.ErrStale)
			require.Len(t, w.calls(), 2)
		}
	})
}

// If it is not known which incarnation refused, or there is none above it, the host waits.
func TestAStaleHostWaitsForTheOtherToGo(t *testing.T) {
	for _, refused := range []uint64{0, math.MaxUint64} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{})
			_, err := w.registry.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 1000})
			require.NoError(t, err)
			c := w.config()
			c.Announce = refusedBy(w, refused)
			p := start(t, c)
			for range 10 {
				pass(30 * second)
				w.registry.Sweep(t.Context())
			}
			require.InDelta(t, 12, len(w.calls()), 2)
			h, _ := w.registry.Get("a")
			require.Equal(t, uint64(1), h.Incarnation)
			require.NoError(t, p.ends())
		})
	}
}

// Of two processes with one id the older one stops, and does not leave.
func TestTheOlderOfTwoProcessesStops(t *testing.T) {
	for _, heartbeats := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWire(t, hostmgr.Config[string]{})
			c := w.config()
			if c.Announce = refusedBy(w, 2); heartbeats {
				c.Heartbeat = w.Heartbeat
			}
			older := start(t, c)
			pass(100 * second)
			c.Incarnation = 2
			newer := start(t, c)
			pass(30 * second)
			err := <-older.done
			require.ErrorIs(t, err, hostmgr.ErrStale)
			h, _ := w.registry.Get("a")
			require.Equal(t, uint64(2), h.Incarnation)
			require.Zero(t, newer.only().Failures)
			require.NoError(t, newer.ends())
		})
	}
}

func TestAnEmbeddersClassify(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		w.breaks(down)
		c := w.config()
		c.Classify = func(err error) announcer.Action {
			if errors.Is(err, errDown) {
				return announcer.GiveUp
			}
			return announcer.Classify(err)
		}
		p := start(t, c)
		require.ErrorIs(t, <-p.done, errDown)

		c.Classify = func(error) announcer.Action { panic("no idea") }
		p = start(t, c)
		pass(10 * second)
		require.Contains(t, p.only().Err.Error(), "no idea")
		w.breaks(nil)
		pass(10 * second)
		require.Zero(t, p.only().Failures)
		require.NoError(t, p.ends())
	})
}

func TestTargetsAreIndependent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var wires []*wire
		c := announcer.Config[string]{ID: "a", Incarnation: 1}
		for i := range 4 {
			w := newWire(t, hostmgr.Config[string]{})
			wires = append(wires, w)
			c.Targets = append(c.Targets, announcer.Target[string]{Name: fmt.Sprint("t", i), Announce: w.Announce, Leave: w.Leave})
		}
		wires[1].breaks(down)
		wires[2].breaks(func(context.Context, string) error { return hostmgr.ErrInvalid })
		p := start(t, c)
		pass(60 * second)
		phases := map[time.Duration]bool{}
		for i, s := range p.Status() {
			require.Equal(t, fmt.Sprint("t", i), s.Name)
			require.Equal(t, i == 0 || i == 3, s.Registration != 0)
			require.Equal(t, i == 2, s.Stopped)
			phases[time.Since(s.LastContact)] = true
		}
		require.GreaterOrEqual(t, len(phases), 3)
		require.Len(t, wires[2].calls(), 1)

		began := time.Now()
		err := p.ends()
		require.ErrorIs(t, err, errDown)
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
		require.Contains(t, err.Error(), `"t1": could not leave within 3s`)
		require.Contains(t, err.Error(), `"t2": hostmgr: invalid`)
		require.WithinDuration(t, began.Add(3*second), time.Now(), second/10)
		require.Zero(t, wires[0].registry.Len())
		require.Zero(t, wires[3].registry.Len())
	})
}

func TestOneRunAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Announce = refusedBy(w, 1)
		p := start(t, c)
		require.ErrorIs(t, p.Run(t.Context()), hostmgr.ErrRunning)
		require.NoError(t, p.ends())

		// The incarnation has left, so the next Run takes a greater one.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*second, cancel)
		require.NoError(t, p.Run(ctx))
		require.Equal(t, uint64(2), w.registry.Stats().Joins)
	})
}

func TestANilContextNeverEnds(t *testing.T) {
	a, err := announcer.New(announcer.Config[string]{
		ID: "a", Announce: func(context.Context, hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			return hostmgr.Ack{}, hostmgr.ErrInvalid
		},
	})
	require.NoError(t, err)
	var none context.Context
	require.ErrorIs(t, a.Run(none), hostmgr.ErrInvalid, "as with any other context")
}
