package detector

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// No host before the time is alive or late, with stalls of all lengths that may still go on, for
// patient and for impatient hosts. Long after the last stall the time is exact.
func TestAHostBeforeSuspectBeforeIsSuspect(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20, 66627))
	for range 300 {
		s := NewStalls(int64(500 * time.Millisecond))
		s.SetThreshold(int64(500*time.Millisecond), true)
		var choice []*Timeouts
		for _, interval := range []time.Duration{100 * time.Millisecond, time.Second, 30 * time.Second} {
			for _, own := range []*Timeouts{{Evict: 2 * interval}, {Suspect: 2 * interval}, {}, {Suspect: interval * 3 / 2, Evict: 2 * interval}} {
				own.Interval = interval
				own.Classify(s.Longest())
				s.Track(own, 1, 0)
				choice = append(choice, own)
			}
		}
		now := int64(0)
		for range 200 {
			step := rnd.Int64N(int64(time.Second))
			if rnd.IntN(10) == 0 {
				step *= 10
			}
			now += step
			s.Observe(now)
			s.SweepBegins(now)
		}
		now += rnd.Int64N(int64(2 * time.Second)) // perhaps a stall that goes on
		for _, own := range choice {
			least := s.SuspectBefore(own, now)
			for range 50 {
				var v Verdict
				contact := now - rnd.Int64N(int64(5*own.Interval))
				if rnd.IntN(3) == 0 {
					contact = max(-int64(time.Hour), least-1+rnd.Int64N(2))
				}
				s.Assess(&v, contact, own, now)
				if contact < least && v.State < StateSuspect {
					t.Fatalf("a contact at %d is before %d, but the host is not suspect: %+v", contact, least, v)
				}
			}
		}
	}
}

func TestSuspectBeforeIsExactWithoutStalls(t *testing.T) {
	s, own := NewStalls(0), &Timeouts{Interval: time.Second, Suspect: 1500 * time.Millisecond, Evict: 2 * time.Second}
	now := int64(time.Hour)
	least := s.SuspectBefore(own, now)
	for contact, want := range map[int64]State{least - 1: StateSuspect, least: StateLate} {
		var v Verdict
		s.Assess(&v, contact, own, now)
		require.Equal(t, want, v.State)
	}
	require.Less(t, s.SuspectBefore(&Timeouts{Interval: time.Second}, now), -now)
}
