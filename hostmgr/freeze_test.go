package hostmgr_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Ten thousand hosts have different intervals, and a hundred of them crash. The process is frozen
// at any time, for a second or an hour. No live host is evicted, and each crashed host is evicted
// by the time that promise 4 states.
func TestNoStallEvictsALiveHost(t *testing.T) {
	stalls := 0
	for seed := range times(4, 1000) {
		w := newFleet(t, uint64(seed), times(2000, 10_000))
		pauses := w.pauses()
		w.crash(100, pauses)
		for _, p := range pauses {
			w.pass(p.after, false)
			if p.starved {
				w.pass(p.length, true)
			} else {
				w.freeze(p.length)
			}
		}
		w.pass(100*second, false)
		require.Equal(t, w.crashes, w.found, "seed %d", seed)
		require.Equal(t, len(w.hosts)-w.crashes, w.Len())
		require.EqualValues(t, w.stalls, w.Stats().Stalls)
		stalls += w.stalls
	}
	t.Log(stalls, "stalls, 0 false evictions")
	require.NotZero(t, stalls)
}

// The process stalls 600 ms of every second, so each host always has grace. A live host has a
// contact at the end of each stall at the latest. A crashed host is evicted when twice its timeout
// has been counted: at 400 ms a second that takes at most five times its timeout, plus two seconds.
func TestStallsAgainAndAgain(t *testing.T) {
	for seed := range times(1, 100) {
		w := newFleet(t, uint64(seed), times(1000, 10_000))
		w.script = newScript(t, hostmgr.Config[string]{
			Policy: w.policy, StallThreshold: second / 2,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				i, _ := strconv.Atoi(d.Host.ID)
				p := &w.hosts[i]
				p.gone = true
				w.found++
				if p.crashed > w.now || w.now-p.contact > 5*d.Timeout+2*second {
					t.Fatalf("%+v, %+v, now %v", d, *p, w.now)
				}
				return nil
			},
		})
		for i := range w.hosts {
			w.announce(hostmgr.Announcement[string]{ID: w.hosts[i].id, Interval: w.hosts[i].interval})
		}
		w.crash(100, nil)
		w.period = tick
		for w.now < 250*second {
			w.pass(400*time.Millisecond, false)
			w.delayedHeartbeats(600 * time.Millisecond)
		}
		require.Equal(t, w.crashes, w.found, "seed %d", seed)
		require.EqualValues(t, 250, w.Stats().Stalls)
	}
}

// A stepped clock shows a wall clock that was set; its Since is not affected.
type stepped struct {
	*clockwork.FakeClock
	step *time.Duration
}

func (s stepped) Now() time.Time { return s.FakeClock.Now().Add(*s.step) }

func (s stepped) Since(t time.Time) time.Duration { return s.FakeClock.Since(t) }

// The wall clock is stepped by an hour or a year, back or forward, at any moment of the hosts'
// intervals. No live host is evicted, whether or not the clock has a monotonic reading. If it has
// one, crashed hosts are evicted as if nothing had happened.
func TestStepsOfTheWallClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, step := range []time.Duration{-time.Hour, time.Hour, -year, year} {
		for seed := range uint64(times(1, 50)) {
			t.Run(step.String(), func(t *testing.T) {
				w := newFleet(t, seed, times(1000, 10_000))
				w.pass(time.Duration(w.rnd.Int64N(int64(20*second))), false)
				w.clock.Advance(step) // without a monotonic reading this is time that passed
				w.pass(60*second, false)
				require.Equal(t, len(w.hosts), w.Len())
			})
			t.Run(step.String()+" monotonic", func(t *testing.T) {
				w := newFleet(t, seed, times(1000, 10_000))
				var face time.Duration
				var err error
				w.Registry, err = hostmgr.New(hostmgr.Config[string]{
					Policy: w.policy, StallThreshold: w.threshold, Cleanup: w.cleanup, Clock: stepped{w.clock, &face},
				})
				require.NoError(t, err)
				for i := range w.hosts {
					w.announce(hostmgr.Announcement[string]{ID: w.hosts[i].id, Interval: w.hosts[i].interval})
				}
				w.crash(100, nil)
				w.pass(time.Duration(w.rnd.Int64N(int64(20*second))), false)
				face = step
				w.pass(100*second, false)
				require.Zero(t, w.Stats().Stalls)
				require.Equal(t, w.crashes, w.found)
			})
		}
	}
}
