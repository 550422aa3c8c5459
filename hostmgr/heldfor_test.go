package hostmgr_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// refused returns a registry whose Confirm refuses each eviction, with a stall threshold of 10 s.
// Its host "a" was due at 2 s and is held since 3 s.
func refused(t *testing.T) (*script, *cleanupLog) {
	d := &cleanupLog{}
	s := newScript(t, hostmgr.Config[string]{
		StallThreshold: 10 * second, Cleanup: d.cleanup,
		Confirm: func(context.Context, hosts) (hosts, error) { return nil, nil },
	})
	s.join("a")
	require.Equal(t, 1, s.after(3*second).Held)
	return s, d
}

// ended is a context that has ended: a Sweep with it notes the time, and does no more.
type ended struct{ context.Context }

func (ended) Err() error { return context.Canceled }

func TestHeldForBeginsWithTheHold(t *testing.T) {
	s, d := refused(t)
	s.clock.Advance(4 * second)
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	require.Equal(t, "refused by Confirm", d.departures[0].Hold.String())
	require.Equal(t, 4*second, d.departures[0].HeldFor, "not 5, since it was due")
}

// A stall moves the deadline by its length and a second of grace. If no sweep has checked the hold
// since, HeldFor is zero until the host is due again, and then does not count the time before.
func TestHeldForBeginsAtTheNewDeadline(t *testing.T) {
	const by = "refused by Confirm"
	for _, row := range []struct {
		after time.Duration // the end of the stall
		by    string
		held  time.Duration
	}{
		{0, "", 0}, {second, "", 0}, {second + 1, by, 1}, {5 * second, by, 4 * second},
	} {
		s, d := refused(t)
		s.clock.Advance(20 * second)
		require.Equal(t, 20*second, s.Sweep(ended{t.Context()}).StallTime)
		s.clock.Advance(row.after)
		require.NoError(t, s.Leave(t.Context(), "a", 0))
		require.Equal(t, row.by, d.departures[0].Hold.String(), row.after)
		require.Equal(t, row.held, d.departures[0].HeldFor, row.after)
	}
}

func TestAHostEvictedAtOnceWasNotHeld(t *testing.T) {
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: d.cleanup,
		Confirm: func(_ context.Context, due hosts) (hosts, error) { return due, nil },
	})
	s.join("a")
	require.Equal(t, 1, s.after(3*second).Evicted)
	require.Empty(t, d.departures[0].Hold)
	require.Zero(t, d.departures[0].HeldFor)
}
