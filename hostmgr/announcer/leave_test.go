package announcer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

func TestRunWithAContextThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		p := start(t, w.config())
		require.NoError(t, p.ends())
		w.calls()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, p.Run(ctx))
		require.Empty(t, w.calls()) // nothing may be registered
	})
}

func TestALeaveWithLostAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		p := start(t, w.config())
		pass(100 * second)
		w.calls()
		var tries atomic.Int64
		w.breaks(func(ctx context.Context, call string) error {
			switch tries.Add(1) {
			case 1: // the call is lost
				return hang(ctx, call)
			case 2:
				return errDown
			case 3: // the answer is lost
				require.NoError(t, w.registry.Leave(ctx, "a", 1))
				return hang(ctx, call)
			default:
				return nil // ErrUnknownHost
			}
		})
		require.NoError(t, p.ends())
		require.Len(t, w.calls(), 4)
		require.Equal(t, uint64(1), w.registry.Stats().Departures.Left)
	})
}

func TestALeaveThatFindsTheHostGone(t *testing.T) {
	for name, gone := range map[string]error{
		"unknown": hostmgr.ErrUnknownHost, "stale": hostmgr.ErrStale, "pending": hostmgr.ErrCleanupPending,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWire(t, hostmgr.Config[string]{})
				p := start(t, w.config())
				w.breaks(func(context.Context, string) error { return gone })
				w.calls()
				require.NoError(t, p.ends())
				require.Len(t, w.calls(), 1)
			})
		})
	}
}

func TestALeaveThatFails(t *testing.T) {
	for name, fault := range map[string]func(context.Context, string) error{"fail at once": down, "hang": hang} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWire(t, hostmgr.Config[string]{})
				p := start(t, w.config())
				w.breaks(fault)
				w.calls()
				began := time.Now()
				err := p.ends()
				require.ErrorContains(t, err, "could not leave within 3s")
				require.ErrorIs(t, err, announcer.ErrNotLeft)
				require.WithinDuration(t, began.Add(3*second), time.Now(), second/10)
				require.GreaterOrEqual(t, len(w.calls()), 4)
			})
		})
	}
}

// An announce that is under way when ctx ends is waited for: it may arrive after the leave.
func TestTheAnnounceUnderWayIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		w.breaks(func(_ context.Context, call string) error {
			if call == "announce" {
				time.Sleep(second)
			}
			return nil
		})
		p := start(t, w.config())
		require.NoError(t, p.ends())
		require.Equal(t, []string{"announce 0.0", "leave 1.0"}, w.calls())
		require.Equal(t, uint64(1), w.registry.Stats().Departures.Left)
	})
}

// Its answer may be lost, so the host leaves even if it has never heard of a registration.
func TestAHostThatMayBeRegisteredLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Announce = func(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			_, _ = w.Announce(ctx, a)
			return hostmgr.Ack{}, hang(ctx, "")
		}
		p := start(t, c)
		pass(second / 10)
		began := time.Now()
		require.NoError(t, p.ends())
		require.WithinDuration(t, began.Add(3*second/2), time.Now(), second/10)
		require.Equal(t, uint64(1), w.registry.Stats().Departures.Left)
	})
}

func TestAHostWithoutLeaveFallsSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		c.Leave = nil
		p := start(t, c)
		require.NoError(t, p.ends())
		require.Equal(t, 1, w.registry.Len())
	})
}

// Callbacks that ignore their contexts are bounded in number, and left behind in the end.
func TestCallbacksThatHangForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		forever := make(chan struct{})
		var running atomic.Int64
		stuck := func(context.Context, string) error {
			running.Add(1)
			defer running.Add(-1)
			<-forever
			return errDown
		}
		c := w.config()
		c.Joined = func(context.Context, hostmgr.Ack) error { return stuck(nil, "") }
		p := start(t, c)
		pass(100 * second)
		w.breaks(stuck)
		pass(1000 * second)
		require.EqualValues(t, 8+8+1, running.Load()) // under way, left behind, and Joined
		require.ErrorContains(t, p.only().Err, "left behind")
		began := time.Now()
		require.ErrorContains(t, p.ends(), "could not leave")
		require.LessOrEqual(t, time.Since(began), 13*second)
		close(forever)
	})
}

// A call may wait in a queue of the process for longer than its limit. Other calls would wait there
// as well.
func TestASequentialAttemptKeepsItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		served := make(chan struct{})
		var calls atomic.Int64
		w.breaks(func(context.Context, string) error {
			calls.Add(1)
			<-served
			return nil
		})
		c := w.config()
		c.Sequential = true
		p := start(t, c)
		pass(1000 * second)
		require.EqualValues(t, 1, calls.Load())
		close(served)
		pass(second)
		require.Equal(t, 1, w.registry.Len())
		require.NoError(t, p.ends())
	})
}

func TestACallbackThatPanicsOrEndsItsGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		c := w.config()
		var calls, asked atomic.Int64
		w.breaks(func(context.Context, string) error {
			switch calls.Add(1) % 3 {
			case 0:
				return nil
			case 1:
				panic(strings.Repeat("a long text ", 1000))
			default:
				runtime.Goexit()
				return nil
			}
		})
		c.Metadata = func() string {
			if asked.Add(1)%5 == 0 {
				panic(errors.New("no metadata"))
			}
			return ""
		}
		p := start(t, c)
		pass(second / 10)
		require.ErrorContains(t, p.only().Err, "panic")
		require.Less(t, len(p.only().Err.Error()), 2000)
		pass(300 * second)
		require.Equal(t, 1, w.registry.Len())
		require.NoError(t, p.ends())
	})
}

// An announce may arrive after the leave. It finds that the incarnation has ended, which says
// nothing: the host has left.
func TestAnAnnounceThatArrivesAfterTheLeaveIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(t, hostmgr.Config[string]{})
		p := start(t, w.config())
		pass(second)
		w.breaks(func(_ context.Context, call string) error {
			if call == "announce" {
				time.Sleep(2 * second) // longer than a leave waits for it
			}
			return nil
		})
		w.calls()
		p.Refresh()
		pass(0)
		require.NoError(t, p.ends())
		require.Equal(t, []string{"announce 1.0", "leave 2.5"}, w.calls())
		require.Equal(t, uint64(1), w.registry.Stats().Departures.Left)
		require.NoError(t, p.only().Err)
		require.False(t, p.only().Stopped)
	})
}
