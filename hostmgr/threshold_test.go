package hostmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A pausing clock belongs to a machine that pauses: a timer that ends in a pause fires at the end
// of the pause.
type pausing struct {
	clock.Clock
	pauses []standstill
}

type standstill struct{ from, to time.Time }

// wakes returns the end of a wait that would have ended at t.
func (p *pausing) wakes(t time.Time) time.Time {
	for _, x := range p.pauses {
		if t.After(x.from) && t.Before(x.to) {
			return x.to
		}
	}
	return t
}

func (p *pausing) After(d time.Duration) <-chan time.Time {
	return p.Clock.After(time.Until(p.wakes(time.Now().Add(d))))
}

func (p *pausing) sleep(d time.Duration) { time.Sleep(time.Until(p.wakes(time.Now().Add(d)))) }

// heartbeat sends a heartbeat each interval until the given time; after a pause, shortly after the
// sweep.
func (p *pausing) heartbeat(t *testing.T, r *hostmgr.Registry[string], id string, interval time.Duration, until time.Time) {
	for time.Now().Before(until) {
		if _, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval}); err != nil {
			t.Error(err)
		}
		p.sleep(interval)
		time.Sleep(interval / 50)
	}
}

// Under Run no pause of the process, of any length, evicts a host whose heartbeats are on time.
// Intervals from 10 ms to a second are in one registry. Crashed hosts are evicted.
func TestNoPauseEvictsAHostUnderRun(t *testing.T) {
	policies := []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.Fixed(3), hostmgr.Tiered{Jitter: 10 * time.Millisecond, Offline: 30 * time.Millisecond}, hostmgr.PhiAccrual{}}
	for seed := range uint64(times(40, 2000)) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			p := &pausing{Clock: clock.System()}
			for at := time.Now(); at.Before(time.Now().Add(10 * time.Second)); {
				at = at.Add(time.Duration(rnd.Int64N(int64(time.Second))))
				to := at.Add(time.Duration(rnd.Int64N(int64(800 * time.Millisecond))))
				p.pauses = append(p.pauses, standstill{at, to})
				at = to
			}
			var mu sync.Mutex // guards evicted
			var evicted []string
			r, err := hostmgr.New(hostmgr.Config[string]{Clock: p, Policy: policies[seed%4]})
			require.NoError(t, err)
			go func() {
				for e := range r.Watch(t.Context()) {
					if e.Kind == hostmgr.EventDeparted && e.Departure.Kind == hostmgr.DepartureEvicted {
						mu.Lock()
						evicted = append(evicted, fmt.Sprintf("%s: %s", e.Host.ID, e.Departure.Reason()))
						mu.Unlock()
					}
				}
			}()
			stop := run(t, r)
			end := time.Now().Add(12 * time.Second)
			for i, interval := range []time.Duration{10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond, time.Second} {
				from := time.Duration(rnd.Int64N(int64(5 * time.Second)))
				go func() { // hosts of one interval after the other join and leave
					p.sleep(from)
					id := fmt.Sprint("host of ", interval)
					p.heartbeat(t, r, id, interval, end)
					_ = r.Leave(t.Context(), id, 0)
				}()
				go func() {
					p.sleep(from / 2)
					p.heartbeat(t, r, fmt.Sprint("dead ", i), interval, time.Now().Add(2*time.Second))
				}()
			}
			time.Sleep(time.Until(end) - time.Millisecond)
			synctest.Wait()
			mu.Lock()
			alive := slices.DeleteFunc(slices.Clone(evicted), func(why string) bool { return why[:4] == "dead" })
			mu.Unlock()
			require.Empty(t, alive, "seed %d", seed)
			time.Sleep(20 * time.Second)
			synctest.Wait()
			require.Zero(t, r.Len(), "seed %d", seed)
			stop()
			mu.Lock()
			defer mu.Unlock()
			require.Len(t, evicted, 5, "seed %d", seed)
		})
	}
}

// Run wakes as often as the most impatient host needs, and less often after that host is gone.
func TestTheThresholdFollowsTheShortestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		stop := run(t, r)
		sweeps := func() uint64 {
			before := r.Stats().Sweeps
			time.Sleep(10 * time.Second)
			return r.Stats().Sweeps - before
		}
		join := func(id string, interval time.Duration) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
			require.NoError(t, err)
		}
		join("slow", time.Hour)
		require.InDelta(t, 40, sweeps(), 2, "each 250 ms")
		time.Sleep(100 * time.Millisecond)
		join("fast", 100*time.Millisecond)
		go func() {
			for range 100 {
				time.Sleep(100 * time.Millisecond)
				_, _ = r.Heartbeat("fast", 0)
			}
			join("fast", time.Minute) // another interval
		}()
		require.InDelta(t, 450, sweeps(), 70, "each 25 ms, and at the host's deadlines")
		time.Sleep(time.Second)
		require.InDelta(t, 40, sweeps(), 2)
		require.Zero(t, r.Stats().Stalls)
		require.Equal(t, 2, r.Len())
		stop()
	})
}

// Many short stalls have few lines.
func TestManyStallsHaveFewLines(t *testing.T) {
	logger, said := logs()
	s := newScript(t, hostmgr.Config[string]{StallThreshold: 10 * time.Millisecond, Logger: logger})
	for range 100 {
		s.after(45 * time.Millisecond)
		s.after(5 * time.Millisecond) // the driver is not slow
	}
	require.Equal(t, uint64(100), s.Stats().Stalls)
	require.Equal(t, 3, strings.Count(said.String(), "\n"), "at 0, 1 and 3 s")
	require.Contains(t, said.String(), "stall_time=900ms")
}

// A coarse clock has timers that fire at multiples of a period, as on some systems.
type coarse struct {
	clock.Clock
	skew atomic.Int64
	tick time.Duration
}

func (c *coarse) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.skew.Load())) }

func (c *coarse) After(d time.Duration) <-chan time.Time {
	if d > 0 {
		d = (d + c.tick - 1) / c.tick * c.tick
	}
	return time.After(d)
}

// Each gap is too long for a host with an interval of 10 ms. That changes nothing for other hosts:
// a crashed host is evicted in time, and a long pause gives them grace. The host comes and goes, so
// the threshold changes too often for these gaps to become the period of a slow driver.
func TestAnImpatientHostDoesNotAffectOthers(t *testing.T) {
	for _, fast := range []time.Duration{time.Minute, 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			c := &coarse{Clock: clock.System(), tick: 10 * time.Millisecond}
			r, err := hostmgr.New(hostmgr.Config[string]{Clock: c})
			require.NoError(t, err)
			defer run(t, r)()
			join := func(id string, interval time.Duration) {
				_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
				require.NoError(t, err)
			}
			passes := func(d time.Duration) {
				for i := range d / (10 * time.Millisecond) {
					time.Sleep(10 * time.Millisecond)
					join("fast", fast)
					if i%4 == 0 {
						require.NoError(t, r.Leave(t.Context(), "fast", 0))
					}
				}
			}
			join("fast", fast)
			join("dead", time.Second)
			join("live", time.Minute)
			passes(2100 * time.Millisecond)
			_, there := r.Get("dead")
			require.False(t, there)
			c.skew.Add(int64(10 * time.Minute)) // a pause, after which a silence of 50 s is allowed
			passes(50 * time.Second)
			_, err = r.Heartbeat("live", 0)
			require.NoError(t, err)
			require.EqualValues(t, 1, r.Stats().Stalls)
		})
	}
}

// The most impatient host leaves in a stall. Its departure does not count the stall, as Get before.
func TestAnImpatientHostLeavesInAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		p := &pausing{Clock: clock.System(), pauses: []standstill{{now.Add(second), now.Add(second + 300*time.Millisecond)}}}
		var d hostmgr.Departure[string]
		r, err := hostmgr.New(hostmgr.Config[string]{
			Clock:   p,
			Cleanup: func(_ context.Context, got hostmgr.Departure[string]) error { d = got; return nil },
		})
		require.NoError(t, err)
		stop := run(t, r)
		defer stop()
		time.Sleep(second - time.Millisecond)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 100 * time.Millisecond})
		require.NoError(t, err)
		time.Sleep(280 * time.Millisecond)
		h, _ := r.Get("a")
		require.NoError(t, r.Leave(t.Context(), "a", 0))
		require.Equal(t, h.State, d.Host.State)
		require.Equal(t, h.EvictAt, d.Host.EvictAt)
		require.NotZero(t, d.StallTime)
	})
}

// Before Run there is a gap since New, or since an earlier Run. Impatient hosts survive it.
func TestTheGapBeforeRunEvictsNoHost(t *testing.T) {
	for _, gap := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r, err := hostmgr.New(hostmgr.Config[string]{StallThreshold: gap})
			require.NoError(t, err)
			for range 2 {
				_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 100 * time.Millisecond})
				require.NoError(t, err)
				time.Sleep(400 * time.Millisecond)
				stop := run(t, r)
				time.Sleep(50 * time.Millisecond)
				_, err = r.Heartbeat("a", 0)
				require.NoError(t, err, "StallThreshold %v", gap)
				stop()
			}
		})
	}
}
