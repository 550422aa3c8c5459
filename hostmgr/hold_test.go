package hostmgr_test

import (
	"context"
	"math"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// guarded is a registry of n hosts, h0 and on, half of which may be missing.
func guarded(t *testing.T, n int, cfg hostmgr.Config[string]) *script {
	if cfg.Guard == (hostmgr.Guard{}) {
		cfg.Guard = hostmgr.Guard{MaxFraction: 0.5, Hold: time.Minute}
	}
	s := newScript(t, cfg)
	for i := range n {
		s.join("h" + strconv.Itoa(i))
	}
	return s
}

// beats has the hosts from..to-1 be heard.
func (s *script) beats(from, to int) {
	for i := from; i < to; i++ {
		s.beat("h" + strconv.Itoa(i))
	}
}

func TestAHostThatTheGuardHoldsSaysSoAndIsSavedByABeat(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.beats(0, 4)
	rep := s.after(1)
	require.Equal(t, 6, rep.Held)
	require.Zero(t, rep.Evicted)
	h := s.get("h9")
	require.Equal(t, hostmgr.Offline, h.State)
	require.Equal(t, "guard: 6 of 10 hosts of zone \"\" are missing", h.Held)
	require.Equal(t, [2]int{6, 6}, [2]int{s.Stats().Suspects, s.Stats().Held})

	s.beat("h9")
	require.Equal(t, [2]int{5, 5}, [2]int{s.Stats().Suspects, s.Stats().Held}, "at once")
	require.Equal(t, hostmgr.Alive, s.get("h9").State)
	require.Empty(t, s.get("h9").Held)
	s.clock.Advance(10 * second)
	s.beats(0, 4)
	s.beat("h9")
	require.Zero(t, s.after(0).Evicted, "half is not too many, but they have an interval to come back in")
	s.clock.Advance(second)
	s.beats(0, 4)
	s.beat("h9")
	require.Zero(t, s.after(0).Evicted)
	require.Equal(t, 5, s.after(1).Evicted)
	require.Len(t, s.ids(), 5)
}

// What the guard let go because its Hold was over is not missed any more: the next to die
// is one of few.
func TestTheGuardLetsGoForGood(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{})
	s.clock.Advance(2 * second)
	s.beats(0, 4)
	s.after(second)
	for range 59 {
		s.beats(0, 4)
		require.Zero(t, s.after(second).Evicted)
	}
	s.beats(0, 4)
	s.clock.Advance(second - 1)
	s.beats(0, 4)
	require.Zero(t, s.after(0).Evicted)
	s.clock.Advance(1)
	require.Equal(t, 6, s.after(1).Evicted)
	s.beats(1, 4)
	s.after(second)
	s.beats(1, 4)
	require.Equal(t, 1, s.after(second).Evicted)
}

func TestOneAloneIsNeverTooMany(t *testing.T) {
	s := guarded(t, 3, hostmgr.Config[string]{Guard: hostmgr.Guard{MaxFraction: 0.01}})
	s.clock.Advance(2 * second)
	s.beats(0, 2)
	require.Equal(t, 1, s.after(1).Evicted)
	s.clock.Advance(2*second - 1)
	s.beats(0, 1)
	rep := s.after(1)
	require.Equal(t, [2]int{0, 1}, [2]int{rep.Evicted, rep.Held}, "with the first it is two")
}

// Hosts that die one after another are as missing as those that die at once: who was
// evicted within the last Hold counts, and no longer.
func TestTheGuardSeesATrickle(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{})
	left := 10
	for ; left > 0; left-- { // one each 3 s
		for range 3 {
			s.beats(0, left-1)
			s.after(second)
		}
		if s.Stats().Held > 0 {
			break
		}
	}
	require.Equal(t, uint64(5), s.Stats().Evicted)
	require.Equal(t, "guard: 6 of 10 hosts of zone \"\" are missing", s.get("h4").Held)
	seconds := 0
	for ; s.Stats().Evicted == 5; seconds++ {
		s.beats(0, 4)
		s.after(second)
	}
	require.InDelta(t, 49, seconds, 4, "when the first is out of the window, and an interval later")
}

func TestTheGuardLooksAtEachZone(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Guard: hostmgr.Guard{MaxFraction: 0.5}})
	for i := range 40 {
		s.announce(hostmgr.Announcement[string]{ID: "h" + strconv.Itoa(i), Interval: second, Zone: strconv.Itoa(i / 10)})
	}
	s.clock.Advance(2 * second)
	s.beats(9, 39) // all but one of zone 0, and one of zone 3
	rep := s.after(1)
	require.Equal(t, [2]int{1, 9}, [2]int{rep.Evicted, rep.Held})
	require.True(t, s.gone("h39"))
	require.Equal(t, "guard: 9 of 10 hosts of zone \"0\" are missing", s.get("h0").Held)

	// A host that moves takes its figures along, and is there.
	s.announce(hostmgr.Announcement[string]{ID: "h0", Interval: second, Zone: "1"})
	s.beats(9, 39)
	s.after(0)
	require.Equal(t, "guard: 8 of 9 hosts of zone \"0\" are missing", s.get("h1").Held)
	for i := 1; i < 10; i++ {
		require.NoError(t, s.Leave(context.Background(), "h"+strconv.Itoa(i), 0))
	}
	require.Zero(t, s.Stats().Suspects)
	for range 3 { // the zone is empty, and forgotten
		s.join("h1")
		s.clock.Advance(2 * second)
		s.beats(10, 39)
		s.beat("h0")
		require.Equal(t, 1, s.after(1).Evicted)
	}
}

// What held hosts that came back leaves nothing behind.
func TestHoldsLeaveNothingBehind(t *testing.T) {
	s := guarded(t, 10_000, hostmgr.Config[string]{})
	s.beats(0, 10_000)
	before := heap()
	require.Equal(t, 10_000, s.after(3*second).Held)
	require.Greater(t, heap()-before, int64(300_000))
	s.beats(0, 10_000)
	require.Zero(t, s.after(second).Held)
	require.Less(t, heap()-before, int64(50_000))
	runtime.KeepAlive(s)
}

// While the guard does not grip, hosts go at their very deadlines.
func TestTheGuardDoesNotDelayASingleDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lag time.Duration
		gone := 0
		r, err := hostmgr.New(hostmgr.Config[string]{
			Guard: hostmgr.Guard{MaxFraction: 0.2},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				gone++
				lag = max(lag, d.At.Sub(d.Host.EvictAt))
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 1000 {
			interval := time.Hour
			if i < 100 {
				interval = second + time.Duration(i*i)*time.Millisecond
			}
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: interval})
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, 100, gone)
		require.Equal(t, time.Duration(1), lag)
	})
}

func TestAStallDoesNotUseUpTheHold(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{MaxGap: second})
	for range 5 {
		s.beats(0, 4)
		s.after(second)
	}
	require.Equal(t, 6, s.Stats().Held)
	require.Equal(t, time.Hour, s.after(time.Hour).Excused)
	require.Equal(t, 6, s.Stats().Held)
	for range 50 {
		s.beats(0, 4)
		require.Zero(t, s.after(second).Evicted)
	}
	for range 11 {
		s.beats(0, 4)
		s.after(second)
	}
	require.Equal(t, []string{"h0", "h1", "h2", "h3"}, s.ids())
}

// A host that a stall gives grace is not due any more: nothing holds it, and if it is due
// again its Hold begins anew.
func TestAStallThatGivesGraceEndsAHold(t *testing.T) {
	s := guarded(t, 10, hostmgr.Config[string]{MaxGap: second})
	s.after(second)
	s.after(second)
	require.Equal(t, 10, s.after(second/2).Held)
	s.after(time.Minute)
	require.Zero(t, s.Stats().Held)
	s.after(second)
	s.after(second)
	require.Zero(t, s.after(second/2).Evicted)
	require.Equal(t, 10, s.Stats().Held)
}

// Confirm is asked about those that the guard lets go, and about them only.
func TestTheGuardComesBeforeConfirm(t *testing.T) {
	var d diary
	asked := map[string]int{}
	refuse := true
	s := guarded(t, 10, hostmgr.Config[string]{
		Guard:   hostmgr.Guard{MaxFraction: 0.5, PerSecond: 1, Hold: time.Minute},
		Cleanup: d.cleanup,
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			for _, h := range due {
				asked[h.ID]++
			}
			if refuse {
				return nil, nil
			}
			return due, nil
		},
	})
	s.clock.Advance(2 * second)
	s.beats(0, 4)
	s.after(1)
	require.Len(t, asked, 1)
	s.after(0)
	require.Len(t, asked, 1, "again about the same one")
	s.beats(0, 4)
	s.after(second)
	require.Len(t, asked, 2)
	require.Equal(t, 6, s.Stats().Held)
	refuse = false
	s.beats(0, 4)
	require.Equal(t, 3, s.after(second).Evicted)
	var by []string
	for _, dep := range d.departures {
		require.Equal(t, 2*second, dep.HeldFor)
		by = append(by, dep.HeldBy)
	}
	const guard = "guard: 6 of 10 hosts of zone \"\" are missing"
	require.ElementsMatch(t, []string{"refused by Confirm", guard + "; then refused by Confirm", guard + "; then awaiting Confirm"}, by)
}

func TestGuardThatCanNotBeMeant(t *testing.T) {
	for why, guards := range map[string][]hostmgr.Guard{
		"MaxFraction is not between 0 and 1":    {{MaxFraction: -0.1}, {MaxFraction: 1.1}, {MaxFraction: math.NaN()}},
		"PerSecond is not a finite number":      {{PerSecond: math.NaN()}, {PerSecond: -1}, {PerSecond: math.Inf(1)}},
		"Hold is negative, or longer than 36 y": {{MaxFraction: 0.5, Hold: -1}, {Hold: 1<<60 + 1}},
	} {
		for _, g := range guards {
			_, err := hostmgr.New(hostmgr.Config[int]{Guard: g})
			require.ErrorIs(t, err, hostmgr.ErrInvalid, "%+v", g)
			require.ErrorContains(t, err, why, "%+v", g)
		}
	}
}

func TestGuardsAtTheLimits(t *testing.T) {
	for _, row := range []struct {
		guard         hostmgr.Guard
		evicted, held int
	}{
		{hostmgr.Guard{MaxFraction: 1}, 10, 0},
		{hostmgr.Guard{PerSecond: math.MaxFloat64}, 10, 0},
		{hostmgr.Guard{PerSecond: math.SmallestNonzeroFloat64}, 0, 10},
		{hostmgr.Guard{MaxFraction: math.SmallestNonzeroFloat64, Hold: 1 << 60}, 0, 10},
		{hostmgr.Guard{MaxFraction: 0.5, Hold: 1}, 0, 10},
	} {
		s := guarded(t, 10, hostmgr.Config[string]{Guard: row.guard})
		rep := s.after(3 * second)
		require.Equal(t, [2]int{row.evicted, row.held}, [2]int{rep.Evicted, rep.Held}, "%+v", row.guard)
		if row.guard.Hold == 1 {
			require.Equal(t, 10, s.after(1).Evicted)
		}
	}
}

// Writers do everything that can be done while the guard holds, and Confirm refuses: when
// all is quiet nobody is held, suspect, or counted as either, and the guard holds nobody
// because of what was.
func TestUnderRunTheGuardsFiguresAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Uint64
		r, err := hostmgr.New(hostmgr.Config[int]{
			Guard: hostmgr.Guard{MaxFraction: 0.1, PerSecond: 3, Hold: 5 * second},
			Confirm: func(_ context.Context, due []hostmgr.Host[int]) ([]hostmgr.Host[int], error) {
				time.Sleep(second / 2)
				return due[:len(due)-int(asked.Add(1)%2)], nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for round := range times(2, 20) {
			write(t, r, round)
			time.Sleep(2 * second)
			require.Positive(t, r.Stats().Held)
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, [2]int{}, [2]int{r.Stats().Suspects, r.Stats().Held})
			evicted := r.Stats().Evicted
			_, err := r.Announce(hostmgr.Announcement[int]{ID: "last", Interval: second})
			require.NoError(t, err)
			time.Sleep(4 * second)
			require.Equal(t, evicted+1, r.Stats().Evicted)
		}
		stop()
	})
}
