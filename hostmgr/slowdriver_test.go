package hostmgr_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

const tooSeldom = "sweeps come too seldom for StallThreshold: such gaps count as silence from now on"

// Each sweep comes too late for the threshold. Stalls are not counted forever: the dead go within
// their timeout and ten gaps, the living stay, and the driver is told of it once.
func TestADriverSlowerThanTheThresholdStillEvictsTheDead(t *testing.T) {
	for _, period := range []time.Duration{2 * second, 5 * second, time.Minute} {
		t.Run(period.String(), func(t *testing.T) {
			var log tally
			s := newScript(t, hostmgr.Config[string]{StallThreshold: second, Logger: log.logger()})
			begun := s.clock.Now()
			gone := time.Duration(0)
			for _, id := range []string{"live", "dead"} {
				s.announce(hostmgr.Announcement[string]{ID: id, Interval: 5 * second})
			}
			for s.clock.Now().Sub(begun) < 24*time.Hour {
				for next := s.clock.Now().Add(period); s.clock.Now().Before(next); {
					s.clock.Advance(second)
					s.heartbeat("live")
				}
				s.Sweep(context.Background())
				if _, there := s.Get("dead"); !there && gone == 0 {
					gone = s.clock.Now().Sub(begun)
				}
			}
			require.LessOrEqual(t, gone, 10*second+10*period)
			require.NotZero(t, gone)
			require.EqualValues(t, 8, s.Stats().Stalls)
			lines, all := log.of(tooSeldom)
			require.Equal(t, 1, lines)
			require.EqualValues(t, 1, all)
			lines, _ = log.of("the registry was stalled")
			require.LessOrEqual(t, lines, 8)

			s.announce(hostmgr.Announcement[string]{ID: "dead", Interval: 5 * second})
			died := s.clock.Now()
			for s.get("dead").ID != "" {
				s.after(period)
				if _, there := s.Get("dead"); !there {
					break
				}
			}
			require.LessOrEqual(t, s.clock.Now().Sub(died), 10*second+2*period, "it is known by now")
		})
	}
}

// The gaps of a slow driver differ. The longer ones are no stalls either, or the dead would stay
// far longer, and each of these gaps would be logged.
func TestAnUnevenSlowDriverStillEvictsTheDead(t *testing.T) {
	for _, gaps := range [][]time.Duration{{3 * second, 700 * time.Millisecond}, {second, 2 * second, 4 * second, 8 * second}} {
		var log tally
		s := newScript(t, hostmgr.Config[string]{StallThreshold: second / 2, Logger: log.logger()})
		for _, id := range []string{"live", "dead"} {
			s.announce(hostmgr.Announcement[string]{ID: id, Interval: 10 * second})
		}
		begun, longest, gone := s.clock.Now(), slices.Max(gaps), time.Duration(0)
		for i := range 1000 {
			s.heartbeat("live")
			s.after(gaps[i%len(gaps)])
			if _, there := s.Get("dead"); !there && gone == 0 {
				gone = s.clock.Now().Sub(begun)
			}
		}
		require.NotZero(t, gone)
		require.LessOrEqual(t, gone, 20*second+10*longest)
		require.EqualValues(t, 8, s.Stats().Stalls)
		lines, _ := log.of(tooSeldom)
		require.Equal(t, 1, lines)
		lines, _ = log.of("the registry was stalled")
		require.LessOrEqual(t, lines, 8)
	}
}

// The driver is told of again after it was in time in between.
func TestASlowDriverIsToldOncePerTime(t *testing.T) {
	var log tally
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second, Logger: log.logger()})
	for i := range 3 {
		for range 100 {
			s.after(3 * second)
			s.after(0) // another caller sweeps at the same moment
		}
		lines, _ := log.of(tooSeldom)
		require.Equal(t, i+1, lines)
		s.after(second / 2)
	}
	require.EqualValues(t, 24, s.Stats().Stalls)
}

// A cleanup takes long within each sweep. That does not make the driver fast.
func TestASlowDriverWithSlowCleanups(t *testing.T) {
	var log tally
	var s *script
	s = newScript(t, hostmgr.Config[string]{StallThreshold: second, Logger: log.logger(),
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			s.clock.Advance(700 * time.Millisecond)
			return nil
		}})
	for i := range 30 {
		id := strconv.Itoa(i)
		s.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Minute})
		require.NoError(t, s.Forget(id, 0))
		s.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Minute, Incarnation: 1 << 62})
		s.announce(hostmgr.Announcement[string]{ID: id, Interval: time.Minute, Incarnation: 1<<62 + 1})
		s.after(3 * second)
	}
	lines, _ := log.of(tooSeldom)
	require.Equal(t, 1, lines)
	require.EqualValues(t, 8, s.Stats().Stalls)
}

// A pause that is much longer than the gaps of a slow driver is a stall. It evicts no host.
func TestAPauseOfASlowDriverIsAStall(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 20 * second})
	for range 30 {
		s.after(3 * second)
		s.heartbeat("a")
	}
	s.after(10 * time.Minute)
	require.EqualValues(t, 9, s.Stats().Stalls)
	require.Equal(t, 1, s.Len())
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
}

// run waits until the machine has run without a pause for so long.
func (p *pausing) run(d time.Duration) {
	for at := time.Now().Add(d); !p.wakes(at).Equal(at); at = time.Now().Add(d) {
		p.sleep(d)
	}
	time.Sleep(d)
}

// A process runs for 50 ms, and is stopped for some seconds, again and again. It looks like a slow
// driver. Heartbeats wait for the end of each pause, and save their hosts. A host that is gone is
// found.
func TestAProcessThatHardlyRunsEvictsNoHostThatIsAlive(t *testing.T) {
	for _, pause := range []time.Duration{600 * time.Millisecond, 2 * time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := &pausing{Clock: clock.System()}
			for at, i := time.Now(), 0; i < 60; i++ {
				at = at.Add(50 * time.Millisecond)
				p.pauses = append(p.pauses, standstill{at, at.Add(pause)})
				at = at.Add(pause)
			}
			end := p.pauses[len(p.pauses)-1].to
			r, err := hostmgr.New(hostmgr.Config[string]{Clock: p})
			require.NoError(t, err)
			stop := run(t, r)
			for _, interval := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second} {
				ack, err := r.Announce(hostmgr.Announcement[string]{ID: interval.String(), Interval: interval})
				require.NoError(t, err)
				go func() {
					for time.Now().Before(end) {
						p.sleep(interval)
						p.run(5 * time.Millisecond) // the sweep at the end of the pause is first
						a, err := r.Heartbeat(interval.String(), 0)
						if err != nil || a.Registration != ack.Registration {
							t.Error(interval, a, err)
							return
						}
					}
				}()
			}
			_, err = r.Announce(hostmgr.Announcement[string]{ID: "dead", Interval: time.Second})
			require.NoError(t, err)
			time.Sleep(11*(pause+50*time.Millisecond) + 4*time.Second)
			_, there := r.Get("dead")
			require.False(t, there, "after a pause of %v", pause)
			time.Sleep(time.Until(end) + 40*time.Second)
			stop()
		})
	}
}
