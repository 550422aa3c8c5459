package sim_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
	"github.com/hostlife/hostlife/hostmgr"
)

// Each figure of a tiny trace, as computed by hand: at no delay, the heartbeats of a stretch
// are where its phase puts them, and the host is evicted a nanosecond after its timeout.
func TestFigures(t *testing.T) {
	c := config(hostmgr.Fixed(2))
	c.Delay, c.Spread = 0, 0
	first := sim.NetworkOf(c).Phase(0, 30*second)
	evicted := first + (600*second-1-first)/(30*second)*30*second + 60*second + 1
	tests := map[string]struct {
		trace      *outage.Trace
		want       sim.Figures
		detections []int64
		stale      int64 // nanoseconds
	}{
		"no outage":          {one(3600), sim.Figures{}, nil, 0},
		"for ten minutes":    {one(3600, 600, 1200), sim.Figures{Detected: 1, Evictions: 1, Returned30: 1, Needless: 1, Suspicions: 1}, []int64{evicted - 600*second}, evicted - 600*second},
		"for two minutes":    {one(3600, 600, 720), sim.Figures{Detected: 1, Evictions: 1, Returned5: 1, Returned30: 1, Needless: 1, Suspicions: 1}, []int64{evicted - 600*second}, evicted - 600*second},
		"for an hour":        {one(7200, 600, 4200), sim.Figures{Detected: 1, Evictions: 1, Suspicions: 1}, []int64{evicted - 600*second}, evicted - 600*second},
		"for good":           {one(3600, 600, 3600), sim.Figures{Detected: 1, Evictions: 1, Suspicions: 1}, []int64{evicted - 600*second}, evicted - 600*second},
		"too short":          {one(3600, 600, 610), sim.Figures{Missed: 1}, nil, 10 * second},
		"cut off by the end": {one(3600, 3590, 3600), sim.Figures{Open: 1}, nil, 10 * second},
		"from the beginning": {one(3600, 0, 100), sim.Figures{Detected: 1, Evictions: 1, Returned5: 1, Returned30: 1, Needless: 1, Suspicions: 1}, []int64{60*second + 1}, 60*second + 1},
		"never up":           {one(3600, 0, 3600), sim.Figures{Detected: 1, Evictions: 1, Suspicions: 1}, []int64{60*second + 1}, 60*second + 1},
		"two in a row":       {one(3600, 600, 610, 611, 620), sim.Figures{Missed: 2}, nil, 19 * second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := play(t, test.trace, c)
			require.Equal(t, test.detections, f.Detections())
			require.Equal(t, test.stale/1000, f.StaleMicros())
			f.Outages, f.Contacts, f.Quiet, f.Span = 0, 0, 0, 0
			require.Equal(t, plain(test.want), plain(f))
		})
	}
}

// A host that is back at the very moment of its deadline is not evicted.
func TestSignsComeBeforeSweeps(t *testing.T) {
	c := config(hostmgr.Fixed(2))
	c.Delay, c.Spread = 0, 0
	for late, evictions := range []int{0, 1} {
		trace := one(3600, 0, 60)
		trace.Nodes[0].Outages[0].Up += 1 + int64(late)
		require.Equal(t, evictions, play(t, trace, c).Evictions)
	}
}

func TestSigns(t *testing.T) {
	for _, full := range []bool{false, true} {
		c := config(hostmgr.Fixed(2))
		c.Full = full
		f := play(t, one(3600), c)
		require.Equal(t, int64(121), f.Contacts) // the announce, and 120 heartbeats
		require.InDelta(t, 121.0/3600, f.ContactsPerSecond(), 1e-9)
		require.Equal(t, full, f.Quiet == 0)
	}
}

// A sweep whose context has ended does nothing, and would be due again and again.
func TestEndsInTheMidstOfSweeps(t *testing.T) {
	c := config(hostmgr.Fixed(2))
	c.Full = true
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for c.Progress() == 0 {
			runtime.Gosched()
		}
		cancel()
	})
	_, err := sim.Run(ctx, outage.Model{Nodes: 1000, Span: 1000 * 24 * time.Hour, Seed: 1}.Generate(), c)
	require.ErrorIs(t, err, context.Canceled)
	wg.Wait()
}

// The most contacts in a second are known under a pacing.
func TestPeak(t *testing.T) {
	trace := &outage.Trace{Start: time.Unix(1e9, 0).UTC(), End: 3600 * second}
	for i := range 300 {
		n := outage.Node{Name: string(rune('a' + i)), To: trace.End}
		if i%3 == 0 { // a hundred are back in the same second
			n.Outages = []outage.Outage{{Down: 600 * second, Up: 1200*second + int64(i)}}
		}
		trace.Nodes = append(trace.Nodes, n)
	}
	c := config(hostmgr.Fixed(2))
	c.Full = true
	require.Zero(t, play(t, trace, c).Peak)
	c.Pacing = hostmgr.Pacing{Min: 30 * time.Second, Max: time.Minute, PerSecond: 10, Jitter: 0.1}
	peak := play(t, trace, c).Peak
	require.GreaterOrEqual(t, peak, 100)
	require.Less(t, peak, 100+50)
}

// Without a pacing announces say nothing that heartbeats don't. With one, a host that was told
// of a shorter interval than it named is judged by that from its next announce on.
func TestAnnouncesSayTheInterval(t *testing.T) {
	trace := outage.Model{Nodes: 40, Span: 10 * 24 * time.Hour, Seed: 1}.Generate()
	c := config(hostmgr.Fixed(3))
	heartbeats := play(t, trace, c)
	c.Announce = true
	require.Equal(t, heartbeats, play(t, trace, c))
	c.Pacing = hostmgr.Pacing{Min: 10 * time.Second, PerSecond: 1000}
	announces := play(t, trace, c)
	require.LessOrEqual(t, announces.Detection(0.99), 31*time.Second)
	c.Announce = false
	heartbeats = play(t, trace, c)
	require.Greater(t, heartbeats.Detection(0.99), 80*time.Second)
}

func TestDetectionQuantiles(t *testing.T) {
	trace := one(3600, 600, 1200)
	c := config(hostmgr.Fixed(2))
	f := play(t, trace, c)
	require.Equal(t, f.Detection(0.5), f.Detection(1))
	require.Greater(t, f.Detection(0), 30*time.Second)
	require.LessOrEqual(t, f.Detection(1), 60*time.Second+55*time.Millisecond+1)

	f = play(t, one(3600, 600, 610), c)
	require.Zero(t, f.Detection(0.5))

	f = play(t, (outage.Model{Nodes: 50, Span: 20 * 24 * time.Hour, Seed: 3}).Generate(), c)
	all, n := f.Detections(), len(f.Detections())
	require.True(t, slices.IsSorted(all))
	require.Equal(t, time.Duration(all[(n+1)/2-1]), f.Detection(0.5))
	require.Equal(t, time.Duration(all[(99*n+99)/100-1]), f.Detection(0.99))
	require.Equal(t, time.Duration(all[n-1]), f.Detection(1))
}

// What the registry and the agenda make of random traces is what a naive model says, whether
// contacts are lost or not, and whether quiet stretches are passed over or not.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(8) {
		for name, p := range policies {
			for _, loss := range []float64{0, 0.05, 0.5} {
				trace, c := random(seed, 9, 12_000), config(p)
				c.Loss, c.Seed = loss, seed
				c.Spread = []time.Duration{0, 50 * time.Millisecond, 20 * time.Second, 40 * time.Second}[seed%4]
				want, got := modelled(trace, c), play(t, trace, c)
				require.Equal(t, plain(want.Figures), plain(got), "%s, loss %v, seed %d", name, loss, seed)
				require.Equal(t, want.detections, got.Detections())
				require.Equal(t, want.stale, got.StaleMicros())
			}
		}
	}
}

// Passing over quiet stretches changes nothing: not a single figure of a slice of a long trace.
func TestPassingOverChangesNothing(t *testing.T) {
	whole := outage.Model{Nodes: 200, Span: 40 * 24 * time.Hour, Seed: 1}.Generate()
	for name, p := range policies {
		quick, full := config(p), config(p)
		full.Full = true
		trace := whole.First(40, 10*24*time.Hour)
		a, b := play(t, trace, quick), play(t, trace, full)
		require.NotZero(t, a.Quiet, name)
		require.Zero(t, b.Quiet, name)
		a.Quiet = 0
		require.Equal(t, b, a, name)
	}
}

// Whatever a contact takes on its way: one may arrive after its host is down, or back.
func TestPassingOverChangesNothingWhateverTheDelay(t *testing.T) {
	quiet := int64(0)
	for seed := range uint64(12) {
		for name, p := range policies {
			quick, full := config(p), config(p)
			quick.Delay = []time.Duration{0, 29 * time.Second, 31 * time.Second, 5 * time.Minute}[seed%4]
			quick.Spread, quick.Seed = []time.Duration{0, time.Second, 30 * time.Second}[seed%3], seed
			full.Delay, full.Spread, full.Seed, full.Full = quick.Delay, quick.Spread, seed, true
			trace := random(seed, 9, 20_000)
			a, b := play(t, trace, quick), play(t, trace, full)
			quiet, a.Quiet = quiet+a.Quiet, 0
			require.Equal(t, b, a, "%s, seed %d", name, seed)
		}
	}
	require.NotZero(t, quiet)
}

// The sum of stale times of a million hosts that are down for 130 years.
func TestStaleTimesThatDoNotFitIntoAnInt64(t *testing.T) {
	var f sim.Figures
	const years = 130 * 365 * 24 * time.Hour
	for range 1_000_000 {
		f.StaleFor(int64(years) + 999)
	}
	require.InEpsilon(t, 1e6*years.Hours(), f.StaleHours(), 1e-9)
}

func TestNobodyUpIsEvictedWhileNothingIsLost(t *testing.T) {
	for seed := range uint64(4) {
		for name, p := range allPolicies() {
			for _, spread := range []time.Duration{0, time.Second, 14 * time.Second} {
				for _, full := range []bool{false, true} {
					c := config(p)
					c.Spread, c.Seed, c.Full = spread, seed, full
					f := play(t, random(seed, 9, 20_000), c)
					require.Zero(t, f.False, "%s, spread %v, seed %d", name, spread, seed)
				}
			}
		}
	}
}

// Into how many registries hosts are parted changes nothing, save the time that it takes.
func TestGroupsChangeNothing(t *testing.T) {
	trace := outage.Model{Nodes: 16, Span: 6 * time.Hour, Seed: 1}.Generate()
	for name, p := range allPolicies() {
		c := config(p)
		c.Loss, c.Group = 0.05, 16
		want := play(t, trace, c)
		for _, group := range []int{1, 7} {
			c.Group = group
			require.Equal(t, want, play(t, trace, c), "%s, groups of %d", name, group)
		}
	}
}

// A policy that needs history may get the last heartbeats only. The figures are not the same, but
// nearly.
func TestWarm(t *testing.T) {
	trace := outage.Model{Nodes: 10, Span: 15 * 24 * time.Hour, Seed: 1}.Generate()
	c := config(hostmgr.PhiAccrual{Threshold: 8})
	full := play(t, trace, c)
	c.Warm = 500
	warm := play(t, trace, c)
	require.Zero(t, full.Quiet)
	require.Greater(t, warm.Quiet, full.Contacts/2)
	require.Equal(t, full.Contacts, warm.Contacts)
	require.Equal(t, full.Evictions, warm.Evictions)
	require.InDelta(t, full.Detection(0.5).Seconds(), warm.Detection(0.5).Seconds(), 0.1)
	require.InDelta(t, full.Detection(0.99).Seconds(), warm.Detection(0.99).Seconds(), 1)
}

// A false eviction is needless, however late the next heartbeat of its host is.
func TestFalseEvictionsAreNeedless(t *testing.T) {
	c := config(hostmgr.Fixed(1.5))
	c.Interval, c.Loss = 2*time.Hour, 0.1
	f := play(t, one(100*86400), c)
	require.Positive(t, f.False)
	require.Equal(t, f.False, f.Needless)
	require.Less(t, f.Returned30, f.False)
}

func TestLossCostsThoseWithoutSlack(t *testing.T) {
	trace := outage.Model{Nodes: 50, Span: 2 * 24 * time.Hour, Seed: 1}.Generate()
	var wrong []int
	for _, p := range []float64{2, 3, 4} {
		c := config(hostmgr.Fixed(p))
		c.Loss = 0.1
		f := play(t, trace, c)
		wrong = append(wrong, f.False)
	}
	require.Greater(t, wrong[0], 5*wrong[1])
	require.Greater(t, wrong[1], 5*wrong[2])
	require.Positive(t, wrong[2])
}

func TestDeterminism(t *testing.T) {
	trace := outage.Model{Nodes: 30, Span: 5 * 24 * time.Hour, Seed: 1}.Generate()
	figures := make([]sim.Figures, 4)
	var wg sync.WaitGroup
	for i := range figures {
		wg.Go(func() {
			c := config(hostmgr.Fixed(2))
			c.Loss = 0.02
			figures[i], _ = sim.Run(t.Context(), trace, c)
		})
	}
	wg.Wait()
	for i := range figures {
		require.Equal(t, figures[0], figures[i])
	}
	c := config(hostmgr.Fixed(2))
	c.Loss, c.Seed = 0.02, 2
	require.NotEqual(t, figures[0], play(t, trace, c))
}

// A registry that advises an interval is followed, and evicts no host for it.
func TestPacing(t *testing.T) {
	trace := outage.Model{Nodes: 100, Span: 24 * time.Hour, Seed: 1}.Generate()
	c := config(hostmgr.Fixed(2))
	before := play(t, trace, c)
	c.Pacing = hostmgr.Pacing{Min: 30 * time.Second, Max: 5 * time.Minute, PerSecond: 1, Jitter: 0.1}
	f := play(t, trace, c)
	require.Zero(t, f.False)
	require.InDelta(t, 100.0/30, before.ContactsPerSecond(), 0.2)
	require.InDelta(t, 1, f.ContactsPerSecond(), 0.1)
	require.Greater(t, f.Detection(0.5), 2*before.Detection(0.5))
}

func TestEmptyAndStopped(t *testing.T) {
	require.Zero(t, play(t, &outage.Trace{Start: time.Unix(0, 0)}, config(hostmgr.Fixed(2))).Contacts)
	require.Zero(t, play(t, one(0), config(hostmgr.Fixed(2))).Evictions)

	_, err := sim.Run(t.Context(), one(3600), config(hostmgr.Fixed(0)))
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
}
