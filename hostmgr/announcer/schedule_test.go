package announcer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An unlucky source makes each pause the longest one. A lucky one makes it the shortest.
type source uint64

func (s source) Uint64() uint64 { return uint64(s) }

const (
	unlucky = source(0)
	lucky   = source(1<<64 - 1)
)

// due returns a schedule whose host has had answers after so long, and whose contact is due at 0.
// Zero means that it had none.
func due(s rand.Source, interval, answered time.Duration) *schedule {
	plan := newSchedule(rand.New(s), interval)
	for range 3 {
		if answered > 0 {
			plan.answers.add(answered)
		}
	}
	return &plan
}

// begun returns when attempts begin before a time, if each of them fails at once, or hangs until
// its limit.
func (s *schedule) begun(before time.Duration, hang bool) (at []time.Duration) {
	var ends []int64
	for now := int64(0); ; {
		next := s.nextAttempt()
		if len(ends) > 0 && slices.Min(ends) <= next {
			i := slices.Index(ends, slices.Min(ends))
			now = max(now, ends[i])
			ends = slices.Delete(ends, i, i+1)
			s.flights--
			continue
		}
		if now = max(now, next); now >= int64(before) {
			return at
		}
		limit := s.begin(now)
		if at = append(at, time.Duration(now)); !hang {
			limit = now
		}
		ends = append(ends, limit)
	}
}

// The bound of the package comment.
func TestAttemptsInOneInterval(t *testing.T) {
	for _, row := range []struct {
		source   rand.Source
		answered float64 // in parts of the interval; 0: there was no answer yet
		hang     bool
		want     int
	}{
		{unlucky, 0.001, false, 26},
		{unlucky, 0.001, true, 26},
		{lucky, 0.001, false, 34},
		{lucky, 0.001, true, 32}, // 8 are under way at a time
		{unlucky, 1. / 80, true, 26},
		{unlucky, 1. / 29, true, 24},
		{unlucky, 1. / 10, true, 8},
		{unlucky, 1. / 10, false, 26},
		{unlucky, 1. / 3, true, 3},
		{unlucky, 2, true, 1},
		{unlucky, 0, true, 4},
		{unlucky, 0, false, 26},
	} {
		for _, interval := range []time.Duration{100 * time.Millisecond, 30 * time.Second, 24 * time.Hour} {
			s := due(row.source, interval, time.Duration(row.answered*float64(interval)))
			at := s.begun(interval, row.hang)
			require.Len(t, at, row.want, "%v %+v", interval, row)
			require.Zero(t, at[0])
		}
	}
}

// After the timeout the pauses grow to an interval, so that a registry that is down is not flooded.
func TestAttemptsAfterTheTimeout(t *testing.T) {
	const interval = 30 * time.Second
	for _, hang := range []bool{false, true} {
		at := due(unlucky, interval, time.Millisecond).begun(100*interval, hang)
		at = at[len(at)-80:]
		for i, d := range at[1:] {
			require.Equal(t, interval, d-at[i])
		}
		require.Greater(t, at[0], 5*interval)
	}
}

func TestThePhaseOfTheSchedule(t *testing.T) {
	const second = int64(time.Second)
	for _, row := range []struct{ due, from, want int64 }{
		{30, 30, 60}, {30, 45, 60}, {30, 59, 60}, {30, 60, 90}, {30, 95, 120},
		{30, 10, 30}, // a contact that was not due
		{90, 10, 40}, // the interval has become shorter
	} {
		s := due(lucky, 30*time.Second, 0)
		s.due = row.due * second
		s.accept(row.from*second, 30*time.Second)
		require.Equal(t, row.want*second, s.due, row)
		require.Equal(t, s.due, s.next)
	}
}

// With Config.Sequential an attempt that hangs is followed by the next one at its limit.
func TestSequentialAttempts(t *testing.T) {
	const interval = 40 * time.Second
	s := newSchedule(rand.New(rand.NewPCG(1, 2)), interval)
	s.sequential = true
	for n := range 8 {
		limit := s.begin(s.nextAttempt())
		require.Equal(t, never, s.nextAttempt())
		require.Equal(t, time.Duration(n+1)*interval/4, time.Duration(limit))
		s.flights--
		s.next = max(s.next, limit) // it returns at its limit
	}
}
