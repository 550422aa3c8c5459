package hostmgr_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

func (s *script) joinZone(id, zone string) {
	s.t.Helper()
	s.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: zone})
}

func TestStatsByZone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Guard: hostmgr.Guard{MaxFraction: 0.5}})
	require.Equal(t, hostmgr.Stats{}, s.Stats(), "of an empty one")
	for i := range 6 {
		s.joinZone("b"+strconv.Itoa(i), "b")
		s.joinZone("a"+strconv.Itoa(i), "a")
	}
	s.joinZone("moved", "b")
	s.clock.Advance(2 * second)
	for i := range 6 {
		s.beat("a" + strconv.Itoa(i))
	}
	s.after(1)
	s.Sweep(t.Context()) // the guard looks at who was counted in the sweep before
	st := s.Stats()
	require.Equal(t, []hostmgr.ZoneStats{
		{Name: "a", Hosts: 6},
		{Name: "b", Hosts: 7, Suspects: 7, Held: 7, Guard: `guard: 7 of 7 hosts of zone "b" are missing`},
	}, st.Zones)
	require.Equal(t, "guard: 7 of 13 hosts are missing", st.Guard)
	require.Equal(t, [3]int{13, 7, 7}, [3]int{st.Hosts, st.Suspects, st.Held})
	require.EqualValues(t, 7, st.HeldByGuard, "each once, however often it is looked at")

	s.joinZone("moved", "a")
	for i := range 6 {
		s.beat("a" + strconv.Itoa(i))
	}
	s.after(second)
	st = s.Stats()
	require.Equal(t, `guard: 6 of 6 hosts of zone "b" are missing`, st.Zones[1].Guard, "for another reason now")
	require.EqualValues(t, 7, st.HeldByGuard)
	s.joinZone("b0", "b")
	require.NoError(t, s.Leave(t.Context(), "b1", 0))
	st = s.Stats()
	require.Equal(t, 7, st.Zones[0].Hosts)
	require.Equal(t, hostmgr.ZoneStats{Name: "b", Hosts: 5, Suspects: 4, Held: 4}, zoneWithout(st.Zones[1]))
	require.EqualValues(t, 7, st.Suspected)
	require.EqualValues(t, 2, st.Recovered)
	for i := range 6 {
		if i != 1 {
			s.beat("b" + strconv.Itoa(i))
		}
	}
	st = s.Stats()
	require.Zero(t, st.Held)
	require.Empty(t, st.Guard)
	require.Empty(t, st.Zones[1].Guard)
	require.EqualValues(t, 6, st.Recovered)
	require.EqualValues(t, 7, st.HeldByGuard)
}

func zoneWithout(z hostmgr.ZoneStats) hostmgr.ZoneStats {
	z.Guard = ""
	return z
}

// A host that is due a second time is held a second time.
func TestStatsCountHoldsAnew(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) { return nil, nil }})
	s.join("a")
	for i := range 3 {
		s.after(2*second + 1)
		s.after(second)
		st := s.Stats()
		require.EqualValues(t, i+1, st.HeldByConfirm)
		require.Zero(t, st.HeldByGuard)
		require.Equal(t, 1, st.Zones[0].Held)
		s.beat("a")
		require.Zero(t, s.Stats().Zones[0].Held)
	}
}

func TestAFailureOfConfirmHoldsToo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(context.Context, hosts) (hosts, error) { return nil, errors.New("no") }})
	s.join("a")
	s.join("b")
	s.after(3 * second)
	s.after(3 * second)
	require.EqualValues(t, 2, s.Stats().HeldByConfirm)
	require.EqualValues(t, 2, s.Stats().ConfirmFailures)
}

func TestReturnsAreCounted(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	evict := func(id string) {
		s.join(id)
		require.Equal(t, 1, s.after(2*second+1).Evicted)
	}
	returned := func() int { return int(s.Stats().Returned) }

	s.join("left")
	require.NoError(t, s.Leave(t.Context(), "left", 0))
	s.join("left")
	require.Zero(t, returned(), "one who left may come back")
	require.NoError(t, s.Forget("left", 0))

	evict("a")
	s.join("b")
	require.NoError(t, s.Leave(t.Context(), "b", 0))
	require.Zero(t, returned())
	s.join("a")
	require.Equal(t, 1, returned())
	s.join("a")
	require.Equal(t, 1, returned(), "a refresh is no join")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	s.join("a")
	require.Equal(t, 1, returned(), "that was the return of one who left")
	require.NoError(t, s.Leave(t.Context(), "a", 0))

	evict("a")
	s.clock.Advance(5 * time.Minute)
	s.join("a")
	require.Equal(t, 2, returned(), "within five minutes")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	evict("a")
	s.clock.Advance(5*time.Minute + second)
	s.join("a")
	require.Equal(t, 2, returned(), "not within five minutes, whether or not a sweep has noticed")
	require.NoError(t, s.Leave(t.Context(), "a", 0))
	evict("a")
	s.after(6 * time.Minute)
	s.join("a")
	require.Equal(t, 2, returned())
}

// Nearly all of very many who were evicted at once are recognised, and of others none is.
func TestReturnsOfMany(t *testing.T) {
	const many = 1 << 15
	s := newScript(t, hostmgr.Config[string]{})
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, many, s.after(3*second).Evicted)
	for i := range many {
		s.join("other" + strconv.Itoa(i))
	}
	others := s.Stats().Returned
	require.LessOrEqual(t, others, uint64(8), "one in 65,536 is expected")
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	require.Greater(t, s.Stats().Returned-others, uint64(many*98/100))
	require.LessOrEqual(t, s.Stats().Returned-others, uint64(many))
}

// Of more than are remembered, the latest are.
func TestReturnsOfTheLatest(t *testing.T) {
	const first, latest = 1<<16 + 1000, 1 << 15
	s := newScript(t, hostmgr.Config[string]{})
	for i := range first {
		s.join("first" + strconv.Itoa(i))
	}
	for i := range latest {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * second})
	}
	require.Equal(t, first, s.after(3*second).Evicted)
	require.Equal(t, latest, s.after(20*second).Evicted)
	for i := range latest {
		s.join(strconv.Itoa(i))
	}
	require.Greater(t, s.Stats().Returned, uint64(latest*98/100))
}

func TestLatenciesAreRecorded(t *testing.T) {
	fail := true
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		if d.Host.ID == "stubborn" && fail {
			return errNotNow
		}
		return nil
	}})
	s.join("silent")
	s.join("stubborn")
	s.join("left")
	s.join("forgotten")
	require.NoError(t, s.Forget("forgotten", 0))
	require.NoError(t, s.Leave(t.Context(), "left", 0))
	require.ErrorIs(t, s.Leave(t.Context(), "stubborn", 0), hostmgr.ErrCleanupPending)
	st := s.Stats()
	require.EqualValues(t, 1, st.CleanupAfterLeave.Count, "only of cleanups that succeeded")
	require.Zero(t, st.CleanupAfterLeave.Max)
	fail = false
	require.Equal(t, 2, s.after(2*second+7).Cleaned)
	st = s.Stats()
	require.EqualValues(t, 2, st.CleanupAfterLeave.Count)
	require.Equal(t, 2*second+7, st.CleanupAfterLeave.Max)
	for _, row := range []struct {
		what string
		of   histogram.Snapshot[time.Duration]
		want time.Duration
	}{
		{"detection", st.Detection, 2*second + 7},
		{"cleanup", st.CleanupAfterEviction, 7},
	} {
		require.EqualValues(t, 1, row.of.Count, row.what)
		require.Equal(t, row.want, row.of.Max, row.what)
	}
	replace := func(incarnation uint64) {
		s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: time.Hour, Incarnation: incarnation})
	}
	replace(1)
	replace(2)
	require.Equal(t, 1, s.Sweep(t.Context()).Cleaned)
	require.Equal(t, [2]uint64{2, 1}, [2]uint64{s.Stats().CleanupAfterLeave.Count, s.Stats().CleanupAfterEviction.Count}, "not of who was replaced")
	require.EqualValues(t, 1, st.SweepDuration.Count, "one that found something")
	s.after(time.Hour)
	require.EqualValues(t, 1, s.Stats().SweepDuration.Count)
}

// What a host was held for is in the detection, and in the cleanup.
func TestLatenciesOfWhoIsHeld(t *testing.T) {
	allow := false
	var d diary
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup, Confirm: func(_ context.Context, due hosts) (hosts, error) {
		if allow {
			return due, nil
		}
		return nil, nil
	}})
	s.join("a")
	s.after(2*second + 1)
	allow = true
	require.Equal(t, 1, s.after(3*second).Evicted)
	st := s.Stats()
	require.Equal(t, 5*second+1, st.Detection.Max)
	require.Equal(t, 3*second+1, st.CleanupAfterEviction.Max)
	require.Equal(t, 3*second, d.departures[0].HeldFor)
}

func TestSweepDurationIsRecorded(t *testing.T) {
	fake := clockwork.NewFakeClock()
	s := newScriptOn(t, fake, hostmgr.Config[string]{Clock: &ticking{fake, time.Millisecond}})
	s.join("a")
	fake.Advance(2 * second)
	require.Equal(t, 1, s.Sweep(context.Background()).Evicted)
	d := s.Stats().SweepDuration
	require.EqualValues(t, 1, d.Count)
	require.Equal(t, 2*time.Millisecond, d.Max, "a page, and the end")
}

// late is a clock that wakes whoever waits for it too late.
type late struct {
	clock.Clock
	by time.Duration
}

func (c late) After(d time.Duration) <-chan time.Time { return c.Clock.After(d + c.by) }

func TestPeriodJitterIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{MaxGap: second, Clock: late{clock.System(), 50 * time.Millisecond}})
		require.NoError(t, err)
		stop := run(t, r)
		time.Sleep(5600 * time.Millisecond) // ten waits of half a second, each 50 ms too long
		stop()
		st := r.Stats()
		require.EqualValues(t, 10, st.PeriodJitter.Count)
		require.Equal(t, 50*time.Millisecond, st.PeriodJitter.Min)
		require.Equal(t, 50*time.Millisecond, st.PeriodJitter.Max)
		require.EqualValues(t, 10, st.PeriodJitterShare.Count)
		require.InDelta(t, 0.1, st.PeriodJitterShare.Mean, 1e-9)
	})
}

// A watcher gets the same evidence as a cleanup.
func TestEventsCarryEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1, Cleanup: d.cleanup, Guard: hostmgr.Guard{PerSecond: 0.5},
		})
		require.NoError(t, err)
		var events []hostmgr.Event[string]
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for e := range r.Watch(ctx) {
				events = append(events, e)
			}
		}()
		synctest.Wait()
		for _, id := range []string{"a", "b", "c", "d"} {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second, Incarnation: 7})
			require.NoError(t, err)
		}
		require.NoError(t, r.Leave(ctx, "c", 0))
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "e", Interval: second})
		require.NoError(t, err)
		require.NoError(t, r.Forget("e", 0))
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "d", Interval: second, Incarnation: 8})
		require.NoError(t, err)
		for range 20 {
			time.Sleep(second)
			r.Sweep(ctx)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		found, held := 0, 0
		for _, e := range events {
			if e.Kind == hostmgr.Forgotten {
				require.Equal(t, hostmgr.Evidence{Interval: second, Patience: 2 * second}, e.Evidence)
				continue
			}
			if e.Kind != hostmgr.Left && e.Kind != hostmgr.Evicted && e.Kind != hostmgr.Replaced {
				require.Zero(t, e.Evidence, e.Kind)
				continue
			}
			for _, dep := range d.departures {
				if dep.Host.Life == e.Host.Life {
					require.Equal(t, dep.Evidence, e.Evidence)
					require.Equal(t, dep.Kind, e.Kind)
					found++
				}
			}
			if e.Evidence.HeldBy != "" {
				require.Equal(t, "guard: at most 0.5 a second go", e.Evidence.HeldBy)
				held++
			}
		}
		require.Equal(t, 5, found)
		require.Positive(t, held)
	})
}

// TestStatsAddUp: whoever asks while hosts come, fall silent, leave and return finds figures
// that fit together.
func TestStatsAddUp(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{
		Cleanup: func(context.Context, hostmgr.Departure[int]) error { return nil },
		Confirm: func(_ context.Context, due []hostmgr.Host[int]) ([]hostmgr.Host[int], error) {
			return due[:len(due)/2], nil
		},
		Guard: hostmgr.Guard{MaxFraction: 0.1, PerSecond: 100},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	for g := range 2 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := strconv.Itoa((i*7919 + g) % 500)
				_, _ = r.Announce(hostmgr.Announcement[int]{ID: id, Interval: 10 * time.Millisecond, Zone: strconv.Itoa(i % 5)})
				if i%3 == 0 {
					_ = r.Leave(ctx, id, 0)
				}
			}
		})
	}
	for range 200 {
		st := r.Stats()
		hosts, suspects, held := 0, 0, 0
		for _, z := range st.Zones {
			hosts, suspects, held = hosts+z.Hosts, suspects+z.Suspects, held+z.Held
			require.LessOrEqual(t, z.Held, z.Suspects)
			require.LessOrEqual(t, z.Suspects, z.Hosts)
		}
		require.Equal(t, [3]int{st.Hosts, st.Suspects, st.Held}, [3]int{hosts, suspects, held})
		require.EqualValues(t, st.Hosts, st.Joins-st.Left-st.Evicted-st.Replaced-st.Forgotten)
		require.Equal(t, st.Evicted, st.Detection.Count)
		require.GreaterOrEqual(t, st.Suspected, st.Recovered)
		require.LessOrEqual(t, st.Returned, st.Evicted)
	}
	cancel()
	wg.Wait()
	for i := range 500 { // whoever ends as he may, nothing is left in the counts
		_ = r.Forget(strconv.Itoa(i), 0)
	}
	st := r.Stats()
	require.Zero(t, st.Hosts+st.Suspects+st.Held)
	require.Empty(t, st.Zones)
}

// Who was evicted is remembered in half a megabyte, before anybody joins and after.
func TestReturnsTakeBoundedRoom(t *testing.T) {
	const many, room = 1 << 17, 600 << 10
	s := newScript(t, hostmgr.Config[string]{})
	s.join("the first one, for whom the distributions of Stats are made")
	s.after(time.Hour)
	s.after(time.Hour)
	before := heap()
	for range 3 {
		for i := range many {
			s.join(strconv.Itoa(i))
		}
		require.Less(t, heap()-before, int64(many*400))
		require.Equal(t, many, s.after(3*second).Evicted)
		require.Less(t, heap()-before, int64(2*room), "the log, and the table of those before")
		s.join("one")
		require.NoError(t, s.Leave(t.Context(), "one", 0))
		require.Less(t, heap()-before, int64(room), "the table")
	}
	runtime.KeepAlive(s)
}
