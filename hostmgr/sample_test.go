package hostmgr_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

var (
	alsoSuspect = []hostmgr.State{hostmgr.StateSuspect}
	alsoOffline = []hostmgr.State{hostmgr.StateOffline}
	alsoBoth    = []hostmgr.State{hostmgr.StateOffline, hostmgr.StateSuspect}
)

// 2 % of the hosts are in the zone. A sample of 16 shows keep about n/share hosts, and allocates
// little, also if most hosts are suspect. If hardly any host fits, keep is shown hardly more than
// all hosts that are alive.
func TestASampleOfASmallPartTakesFewDraws(t *testing.T) {
	for _, c := range benchedOutages {
		s := benched(t, times(25_000, benchedHosts), c.suspect)
		fit, alive := 0.0, 0.0
		for h := range s.All() {
			if h.State == hostmgr.StateAlive {
				alive++
				if inZone7(h) {
					fit++
				}
			}
		}
		calls := 0.0
		sample := func() {
			calls = 0
			got := s.Sample(16, func(h hostmgr.Host[string]) bool { calls++; return inZone7(h) })
			require.Len(t, got, int(min(16, fit)))
		}
		require.LessOrEqual(t, testing.AllocsPerRun(5, sample), 64.0, c.name)
		shown := make([]float64, 15) // to keep, by each of so many samples
		for i := range shown {
			sample()
			shown[i] = calls
		}
		slices.Sort(shown)
		median := shown[len(shown)/2] // not the mean: about 1 sample in 2,000 takes a pass over all hosts
		require.LessOrEqual(t, median, 1.7*alive, c.name)
		if fit > 8*16 { // otherwise the last draws take long, or a pass over all hosts is cheaper
			require.InEpsilon(t, 16*alive/fit, median, 0.8, c.name)
		}
	}
}

// A sample of one needs one host, whatever the number of hosts.
func TestASampleOfAFewIsShownAFew(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 5000 {
		s.join(strconv.Itoa(i))
	}
	for _, n := range []int{1, 16, 100} {
		calls := 0
		require.Len(t, s.Sample(n, func(hostmgr.Host[string]) bool { calls++; return true }), n)
		require.LessOrEqual(t, calls, n+20)
	}
}

// Every set of two is as likely as any other: by a chi-square test of all sets, for samples by
// random draws and by a pass over all hosts.
func TestAllSetsOfHostsAreEquallyLikely(t *testing.T) {
	const fit, rounds = 7, 6000
	for _, hosts := range []int{fit, 20, 400} {
		s := newScript(t, hostmgr.Config[string]{})
		for i := range hosts {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 24 * time.Hour})
		}
		sets := map[string]float64{}
		for range rounds {
			got := s.Sample(2, func(h hostmgr.Host[string]) bool { i, _ := strconv.Atoi(h.ID); return i < fit })
			require.Len(t, got, 2)
			ids := []string{got[0].ID, got[1].ID}
			slices.Sort(ids)
			sets[strings.Join(ids, "+")]++
		}
		require.Len(t, sets, fit*(fit-1)/2)
		requireUniform(t, sets, rounds)
	}
}

// requireUniform fails with a chance of about 1e-8 if all of some outcomes are equally likely.
func requireUniform(t *testing.T, outcomes map[string]float64, rounds int) {
	t.Helper()
	mean, chi := float64(rounds)/float64(len(outcomes)), 0.0
	for _, n := range outcomes {
		chi += (n - mean) * (n - mean) / mean
	}
	freedom := float64(len(outcomes) - 1)
	require.Less(t, chi, freedom+8*math.Sqrt(2*freedom)+10, "%v", outcomes)
}

// Under any policy and with any stalls, a sample has the hosts that All shows in the states that it
// asks for.
func TestASampleHasTheStatesThatAreShown(t *testing.T) {
	shown := map[hostmgr.State]int{}
	for seed := range uint64(times(60, 6000)) {
		w := newWitness(t, seed)
		for range 100 {
			w.step()
			if w.rnd.IntN(3) == 0 {
				w.Sweep(context.Background())
			}
			w.restoreOne()
			for h := range w.All() {
				shown[h.State]++
			}
			for _, also := range [][]hostmgr.State{nil, alsoSuspect, alsoOffline, alsoBoth} {
				w.compareSamples(also)
			}
		}
	}
	for state := hostmgr.StateAlive; state <= hostmgr.StateOffline; state++ {
		require.Greater(t, shown[state], 100, "%v", state)
	}
}

func (w *witness) restoreOne() {
	if w.rnd.IntN(10) == 0 {
		last := w.clock.Now().Add(-time.Duration(w.rnd.Int64N(int64(5 * second))))
		_, err := w.Restore(slices.Values([]hostmgr.Host[string]{{ID: "restored", Interval: second, LastContact: last}}))
		require.NoError(w.t, err)
	}
}

func (w *witness) compareSamples(also []hostmgr.State) {
	want := map[string]hostmgr.State{}
	for h := range w.All() {
		if h.State <= hostmgr.StateLate || slices.Contains(also, h.State) {
			want[h.ID] = h.State
		}
	}
	for _, n := range []int{1, 3, 100} {
		got := map[string]hostmgr.State{}
		for _, h := range w.Sample(n, nil, also...) {
			got[h.ID] = h.State
			require.Equal(w.t, want[h.ID], h.State, "seed %d: %s", w.seed, h.ID)
		}
		require.Len(w.t, got, min(n, len(want)), "seed %d", w.seed)
	}
}

// The ids that keep has seen do not change, and neither do those of the result.
func TestIDsOfASampleMayBeKept(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 3000 {
		s.join(strconv.Itoa(i) + strings.Repeat("x", i%100))
	}
	seen := map[uint64]string{}
	for range 10 {
		for _, least := range []string{"1", "29", "7777"} {
			for _, h := range s.Sample(5, func(h hostmgr.Host[string]) bool {
				seen[h.Registration] = h.ID
				return strings.HasPrefix(h.ID, least)
			}) {
				require.Equal(t, seen[h.Registration], h.ID)
			}
		}
	}
	s.Sample(4000, nil)
	require.Len(t, seen, 3000)
	for h := range s.All() {
		require.Equal(t, h.ID, seen[h.Registration])
	}
}

// keep may call the registry. Sample ends even if each call makes another host join.
func TestKeepMayChangeTheRegistry(t *testing.T) {
	for _, hosts := range []int{1, 20, 3000} {
		s := newScript(t, hostmgr.Config[string]{})
		for i := range hosts {
			s.join(strconv.Itoa(i))
		}
		joined := 0
		require.Empty(t, s.Sample(1, func(hostmgr.Host[string]) bool {
			joined++
			s.join(fmt.Sprint("new ", joined))
			require.Len(t, s.Sample(1, nil), 1)
			return false
		}))
		calls := 0
		got := s.Sample(100_000, func(h hostmgr.Host[string]) bool {
			calls++
			_ = s.Leave(context.Background(), h.ID, 0)
			return true
		})
		require.Len(t, got, hosts+joined)
		require.Equal(t, calls, len(got))
		require.Empty(t, s.Sample(3, nil))
	}
}

// A sample of hosts that leave while it draws is short, but ends.
func TestASampleWhileAllLeave(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 3000 {
		s.join(strconv.Itoa(i))
	}
	require.Empty(t, s.Sample(100, func(hostmgr.Host[string]) bool {
		for h := range s.All() {
			require.NoError(t, s.Forget(h.ID, 0))
		}
		return false
	}))
}

// With the states that are suspect or due, a sample finds the hosts of an outage.
func TestASampleOfSuspects(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 2000 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: []time.Duration{10 * second, 30 * second, 100 * second}[i%3]})
	}
	s.clock.Advance(50 * second) // due, suspect, alive
	for _, row := range []struct {
		also []hostmgr.State
		want int
	}{{nil, 666}, {alsoSuspect, 1333}, {alsoOffline, 1333}, {alsoBoth, 2000}} {
		require.Len(t, s.Sample(3000, nil, row.also...), row.want)
		for _, h := range s.Sample(30, nil, row.also...) {
			require.True(t, h.State <= hostmgr.StateLate || slices.Contains(row.also, h.State))
		}
	}
}
