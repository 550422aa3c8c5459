package hostmgr_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Thousands of hosts, in many pages, with intervals of their own, beat and leave, others
// join for a moment, and intervals change: whoever sweeps when Next says so evicts each of
// them one nanosecond after its deadline, and never looks in vain for long.
func TestOfThousandsEachIsEvictedRightAfterItsDeadline(t *testing.T) {
	const hosts = 7000
	var d diary
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	rnd := rand.New(rand.NewPCG(3, 4))
	interval := func() time.Duration { return time.Duration(1000+rnd.IntN(60_000)) * time.Millisecond }
	for i := range hosts {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Interval: interval()})
	}
	for step := 0; ; step++ {
		next, ok := s.Next()
		if !ok {
			break
		}
		require.Less(t, step, 20*hosts, "Next names one time after the other, and nothing is done")
		s.after(max(0, next.Sub(s.clock.Now())))
		if id := fmt.Sprint(rnd.IntN(hosts)); step < hosts && !s.gone(id) {
			switch rnd.IntN(5) {
			case 0:
				s.announce(hostmgr.Announcement[string]{ID: "short-lived " + id, Interval: 10 * time.Millisecond})
			case 1:
				require.NoError(t, s.Leave(context.Background(), id, 0))
			case 2:
				s.announce(hostmgr.Announcement[string]{ID: id, Interval: interval()})
			default:
				s.beat(id)
			}
		}
	}
	require.Zero(t, s.Len())
	evicted := 0
	for _, dep := range d.departures {
		if dep.Kind == hostmgr.Evicted {
			evicted++
			require.Equal(t, dep.Patience+1, dep.Silence, "host %s", dep.Host.ID)
		}
	}
	require.Greater(t, evicted, hosts/2)
}

type never struct{}

func (never) Patience(hostmgr.Pulse) (suspect, evict time.Duration) { return 0, 0 }

func TestNextIsNothingWhereSilenceNeverEvicts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: never{}})
	s.join("a")
	_, ok := s.Next()
	require.False(t, ok)
	s.after(1000 * time.Hour)
	s.beat("a")
	s.join("a")
	_, ok = s.Next()
	require.False(t, ok)
	require.Equal(t, 1, s.Len())
}

// soon is quick to suspect and slow to evict.
type soon struct{}

func (soon) Patience(hostmgr.Pulse) (suspect, evict time.Duration) { return 2 * second, 10 * second }

// A suspect that was heard a while ago is suspect again sooner than one that is heard now.
func TestNextGoesByWhenASuspectWasHeard(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: soon{}})
	s.join("a")
	start := s.clock.Now()
	require.Equal(t, 1, s.after(2500*time.Millisecond).Suspected)
	require.NoError(t, s.Observe("a", 0, second))
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, start.Add(3500*time.Millisecond+1), next)
	require.Equal(t, 1, s.after(next.Sub(s.clock.Now())).Suspected)
}

// byInterval has a patience for each interval.
type byInterval map[time.Duration][2]time.Duration

func (p byInterval) Patience(pulse hostmgr.Pulse) (suspect, evict time.Duration) {
	return p[pulse.Interval][0], p[pulse.Interval][1]
}

// The place of a life that is over says nothing to a sweep, whatever the terms of others.
func TestASweepPassesByWhoIsGone(t *testing.T) {
	policy := byInterval{time.Hour: {0, 0}, second: {0, 2 * second}}
	for range 20 { // for places follow from a hash
		s := newScript(t, hostmgr.Config[string]{Policy: policy})
		s.announce(hostmgr.Announcement[string]{ID: "gone", Interval: time.Hour})
		s.join("dies")
		require.NoError(t, s.Leave(context.Background(), "gone", 0))
		require.Equal(t, 1, s.after(3*second).Evicted)
		require.Zero(t, s.Len())
	}
}

func TestASuspectThatLeftIsNotSuspectedAgain(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: byInterval{second: {2 * second, 0}}})
	s.join("gone")
	s.join("stays")
	require.Equal(t, 2, s.after(3*second).Suspected)
	require.NoError(t, s.Leave(context.Background(), "gone", 0))
	s.beat("stays")
	require.Zero(t, s.Stats().Suspects)
	require.Equal(t, 1, s.after(3*second).Suspected)
	require.Equal(t, 1, s.Stats().Suspects)
}

func TestASuspicionThatNeverComes(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Policy: byInterval{second: {math.MaxInt64, 0}}})
	s.clock.Advance(second)
	s.join("a")
	require.Zero(t, s.after(1000*time.Hour).Suspected)
	require.Equal(t, hostmgr.Late, s.get("a").State)
}

// Whatever is done to hundreds of pages, the one on top is the one that is due first, and each
// is due when it was said to be: so says a map that is searched from end to end.
func TestTheScheduleAgainstBruteForce(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		var s hostmgr.Schedule
		due := map[int]int64{}
		for added := 0; added < 1000; {
			at, i := rnd.Int64N(1000), rnd.IntN(added+1)
			_, there := due[i]
			switch op := rnd.IntN(10); {
			case op < 3 || len(due) < 2:
				s.Add(at)
				due[added] = at
				added++
			case op == 9:
				s.HastenHeld(at + 500)
				for i := range due {
					if s.Held(i) {
						due[i] = min(due[i], at+500)
					}
				}
			case !there:
			case op < 5:
				s.Remove(i)
				delete(due, i)
			case op < 7:
				s.Set(i, at)
				due[i] = at
			default:
				s.Hasten(i, at)
				due[i] = min(due[i], at)
			}
			checkSchedule(t, &s, due, at)
		}
	}
}

func checkSchedule(t *testing.T, s *hostmgr.Schedule, due map[int]int64, at int64) {
	t.Helper()
	first, by := int64(math.MaxInt64), []int{}
	for i, d := range due {
		if s.Due(i) != d {
			t.Fatalf("page %d is due at %d, not %d", i, s.Due(i), d)
		}
		first = min(first, d)
		if d <= at {
			by = append(by, i)
		}
	}
	if top, next := s.First(); next != first || due[top] != first {
		t.Fatalf("on top is page %d, due at %d: not %d", top, next, first)
	}
	got := s.DueBy(at)
	slices.Sort(got)
	slices.Sort(by)
	if !slices.Equal(by, got) {
		t.Fatalf("by %d %v are due, not %v", at, got, by)
	}
}
