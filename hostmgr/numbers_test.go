package hostmgr_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// newOn returns a registry with this clock.
func newOn(t *testing.T, c clock.Clock) *hostmgr.Registry[string] {
	r, err := hostmgr.New(hostmgr.Config[string]{Clock: c})
	require.NoError(t, err)
	return r
}

// numbers lets hosts join in order, and returns the numbers of their registrations.
func numbers(t *testing.T, r *hostmgr.Registry[string], hosts int) (registrations []uint64) {
	for i := range hosts {
		ack, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i)})
		require.NoError(t, err)
		registrations = append(registrations, ack.Registration)
	}
	return registrations
}

// A process that starts again uses no number of the process before, a day later or at the same
// reading of the clock. So a host can tell that it has to register its data again
// (dragonflyoss/dragonfly#4853).
func TestNumbersAreNotUsedAgainAfterARestart(t *testing.T) {
	for _, later := range []time.Duration{0, time.Nanosecond, time.Millisecond, 24 * time.Hour} {
		c := clock.NewMock()
		before := numbers(t, newOn(t, c), 100)
		c.Add(later)
		for i, n := range numbers(t, newOn(t, c), 100) {
			require.NotContains(t, before, n, "%v later, host %d", later, i)
		}
	}
}

// The numbers of a process that starts more than two seconds later are greater than all earlier
// ones.
func TestNumbersGrowFromProcessToProcess(t *testing.T) {
	c := clock.NewMock()
	last := uint64(0)
	for range 20 {
		registrations := numbers(t, newOn(t, c), 100)
		require.Greater(t, registrations[0], last)
		require.IsIncreasing(t, registrations)
		last = registrations[99]
		c.Add(2 * time.Second)
	}
}

// Restore keeps the numbers, whatever their order, and hosts that join afterwards get others.
func TestRestoreKeepsNumbers(t *testing.T) {
	c := clock.NewMock()
	a := newOn(t, c)
	numbers(t, a, 100)
	kept := slices.Collect(a.All())
	c.Add(time.Minute)
	b := newOn(t, c)
	n, err := b.Restore(slices.Values(kept))
	require.NoError(t, err)
	require.Equal(t, 100, n)
	used := map[uint64]bool{}
	for _, h := range kept {
		now, there := b.Get(h.ID)
		require.True(t, there)
		require.Equal(t, h.Registration, now.Registration)
		ack, err := b.Heartbeat(h.ID, 0)
		require.NoError(t, err)
		require.Equal(t, h.Registration, ack.Registration)
		used[h.Registration] = true
	}
	for i := range 100 {
		ack, err := b.Announce(hostmgr.Announcement[string]{ID: "new" + strconv.Itoa(i)})
		require.NoError(t, err)
		require.False(t, used[ack.Registration])
		used[ack.Registration] = true
	}
}

// New numbers skip restored ones that come from a later clock. Impossible numbers are refused.
func TestRestoreOfNumbersAtTheLimits(t *testing.T) {
	r := newOn(t, clock.NewMock())
	for i, n := range []uint64{0, 1, math.MaxInt64 - 1<<40 + 1} {
		joined, err := r.Restore(slices.Values([]hostmgr.Host[string]{{ID: strconv.Itoa(i), Registration: n}}))
		require.NoError(t, err)
		require.Equal(t, 1, joined)
		h, _ := r.Get(strconv.Itoa(i))
		require.Equal(t, n != 0, h.Registration == n)
		ack, err := r.Announce(hostmgr.Announcement[string]{ID: "after " + strconv.Itoa(i)})
		require.NoError(t, err)
		require.Greater(t, ack.Registration, n)
	}
	for _, n := range []uint64{math.MaxInt64, math.MaxUint64} {
		joined, err := r.Restore(slices.Values([]hostmgr.Host[string]{{ID: "x", Registration: n}}))
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
		require.Zero(t, joined)
	}
}

// Two hosts are restored with the same number. Their holds, and the answers of Confirm about them,
// are kept apart.
func TestHostsWithTheSameNumberAreKeptApart(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(_ context.Context, due hosts) (hosts, error) {
		return slices.DeleteFunc(due, func(h hostmgr.Host[string]) bool { return h.ID == "b" }), nil
	}})
	_, err := s.Restore(slices.Values([]hostmgr.Host[string]{
		{ID: "a", Registration: 7, Interval: second}, {ID: "b", Registration: 7, Interval: second}, {ID: "c", Registration: 7, Interval: second},
	}))
	require.NoError(t, err)
	s.after(1500 * time.Millisecond)
	s.heartbeat("c")
	rep := s.after(second)
	require.Equal(t, [2]int{1, 1}, [2]int{rep.Evicted, rep.Held})
	require.Equal(t, []string{"b", "c"}, s.ids())
	require.NotEmpty(t, s.get("b").Hold)
	require.Empty(t, s.get("c").Hold)
}
