package hostmgr_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// refused is a registry whose Confirm lets nobody go, for which more than 10 s are a stall,
// and a host "a" that was due at 2 s and is held since 3 s.
func refused(t *testing.T) (*script, *diary) {
	d := &diary{}
	s := newScript(t, hostmgr.Config[string]{
		MaxGap: 10 * second, Cleanup: d.cleanup,
		Confirm: func(context.Context, hosts) (hosts, error) { return nil, nil },
	})
	s.join("a")
	require.Equal(t, 1, s.after(3*second).Held)
	return s, d
}

// ended is a context that ends when a Sweep has begun: that listens, and does no more.
type ended struct{ context.Context }

func (ended) Err() error { return context.Canceled }

func TestHeldForBeginsWithTheHold(t *testing.T) {
	s, d := refused(t)
	s.clock.Advance(4 * second)
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	require.Equal(t, "refused by Confirm", d.departures[0].HeldBy)
	require.Equal(t, 4*second, d.departures[0].HeldFor, "not 5, since it was due")
}

// A stall puts the deadline off, by its length and a second of grace: a hold that no sweep
// has looked at since says nothing until it is due anew, and then nothing of what was before.
func TestHeldForDoesNotReachBackBehindTheDeadline(t *testing.T) {
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
		require.Equal(t, 20*second, s.Sweep(ended{t.Context()}).Excused)
		s.clock.Advance(row.after)
		require.NoError(t, s.Leave(t.Context(), "a", 0))
		require.Equal(t, row.by, d.departures[0].HeldBy, row.after)
		require.Equal(t, row.held, d.departures[0].HeldFor, row.after)
	}
}

func TestWhoMayGoAtOnceWasNotHeld(t *testing.T) {
	var d diary
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: d.cleanup,
		Confirm: func(_ context.Context, due hosts) (hosts, error) { return due, nil },
	})
	s.join("a")
	require.Equal(t, 1, s.after(3*second).Evicted)
	require.Empty(t, d.departures[0].HeldBy)
	require.Zero(t, d.departures[0].HeldFor)
}
