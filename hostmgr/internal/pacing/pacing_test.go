package pacing_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/pacing"
)

const (
	second = time.Second
	day    = 24 * time.Hour
)

func config(least, most time.Duration, perSecond float64) pacing.Config {
	return pacing.Config{Min: least, Max: most, PerSecond: perSecond, MaxInterval: day}
}

// target is the interval for so many hosts.
func target(c pacing.Config, hosts int) time.Duration {
	a := pacing.New(c, 0)
	a.Update(hosts, 0)
	return a.Interval(0)
}

func configs() *rapid.Generator[pacing.Config] {
	return rapid.Custom(func(t *rapid.T) pacing.Config {
		least := rapid.Int64Range(int64(10*time.Millisecond), int64(time.Hour)).Draw(t, "Min")
		most := rapid.Int64Range(least, int64(day)).Draw(t, "Max")
		c := config(time.Duration(least), time.Duration(most), math.Exp2(rapid.Float64Range(-10, 20).Draw(t, "PerSecond")))
		c.Jitter = rapid.SampledFrom([]float64{0, 0, 0.1, 0.5, 0.99}).Draw(t, "Jitter")
		return c
	})
}

func TestANilAdvisorAdvisesNothing(t *testing.T) {
	var a *pacing.Advisor
	a.Joined(1, 1)
	a.Update(1, 1)
	require.Zero(t, a.Interval(1))
	had, most := a.QuoteJoin(1)
	require.Zero(t, had)
	require.Zero(t, most)
	require.Equal(t, 7*second+1, a.EffectiveInterval(7*second+1, 9*second))
	require.Zero(t, a.Pick(1, second, second, 1))
}

func TestTheIntervalByTheNumberOfHosts(t *testing.T) {
	c := config(10*second, 60*second, 20)
	jitter := c
	jitter.Jitter = 0.5
	for _, row := range []struct {
		hosts       int
		plain, with time.Duration
	}{
		{0, 10 * second, 20 * second},
		{200, 10 * second, 20 * second},
		{201, 10*second + second/8, 20 * second},
		{400, 20 * second, 26*second + 3*second/4},
		{1199, 60 * second, 60 * second},
		{math.MaxInt32, 60 * second, 60 * second},
	} {
		require.Equal(t, row.plain, target(c, row.hosts), "%d hosts", row.hosts)
		require.Equal(t, row.with, target(jitter, row.hosts), "%d hosts", row.hosts)
	}
}

func TestTheIntervalIsNotRoundedBeyondMax(t *testing.T) {
	most := 60*second + 300*time.Millisecond
	require.Equal(t, 60*second, target(config(second, most, 10), 600))
	require.Equal(t, most, target(config(second, most, 10), 602), "60.2 s is rounded up to 60.5 s")
}

// It keeps to PerSecond and to its bounds. It is not much longer than necessary.
func TestTheIntervalKeepsToItsRateAndBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := configs().Draw(t, "config")
		hosts := rapid.IntRange(0, 10_000_000).Draw(t, "hosts")
		got := target(c, hosts)
		require.GreaterOrEqual(t, got, c.Min)
		require.LessOrEqual(t, got, c.Max)
		require.LessOrEqual(t, got, target(c, hosts+1))

		least := max(c.Min.Seconds()/(1-c.Jitter), float64(hosts)/c.PerSecond/(1-c.Jitter/2))
		if got < c.Max {
			require.GreaterOrEqual(t, got.Seconds(), least*(1-1e-9)-1e-9)
		}
		require.LessOrEqual(t, got.Seconds(), least*65/64+1e-9)
	})
}

func TestEffectiveInterval(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 1), 0)
	for _, row := range []struct{ said, told, want time.Duration }{
		{5 * second, 7 * second, 7 * second},
		{7 * second, 5 * second, 7 * second},
		{0, 0, 0},
		{second, 0, second},
		{second + 1, 0, second + second/64},
		{63 * second, 0, 63 * second},
		{64*second + 1, 0, 65 * second},
		{128*second + 1, 0, 130 * second},
		{second / 2, 0, second / 2},
		{second/2 + 1, 0, second/2 + second/128},
		{day, 0, day}, // another registry would not accept a longer one
		{day - 1, 0, day},
	} {
		require.Equal(t, row.want, a.EffectiveInterval(row.said, row.told), "%+v", row)
	}
}

// No interval is rounded down, nor up by more than a 64th; a result is not rounded again.
func TestEffectiveIntervalIsRoundedUp(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 1), 0)
	rapid.Check(t, func(t *rapid.T) {
		said := time.Duration(rapid.Int64Range(int64(10*time.Millisecond), int64(day)).Draw(t, "said"))
		told := time.Duration(rapid.Int64Range(0, int64(day)).Draw(t, "told"))
		got := a.EffectiveInterval(said, told)
		require.GreaterOrEqual(t, got, max(said, told))
		require.LessOrEqual(t, float64(got), float64(max(said, told))*65/64+1)
		require.Equal(t, got, a.EffectiveInterval(got, 0))
	})
}

func TestWithoutJitterTheAdvisedIntervalIsPicked(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 1), 0)
	for i := range uint64(100) {
		require.Equal(t, 6*second, a.Pick(i, 6*second, 6*second, int64(i)))
		require.Equal(t, 6*second, a.Pick(i, 60*second, 6*second, int64(i)))
	}
	require.Zero(t, a.Pick(1, 0, 0, 1))
}

// Picked intervals stay within their bounds and are spread evenly.
func TestPickIsEven(t *testing.T) {
	c := config(10*second, 60*second, 20)
	c.Jitter = 0.25
	a := pacing.New(c, 1000)
	for _, row := range []struct{ had, most, least time.Duration }{
		{40 * second, 40 * second, 30 * second}, // Jitter
		{50 * second, 40 * second, 30 * second},
		{39 * second, 40 * second, 10 * second}, // it gets a longer one
		{12 * second, 12 * second, 10 * second}, // Min is above Jitter's
	} {
		var tenths [10]int
		const picks = 100_000
		for i := range uint64(picks) {
			got := a.Pick(1001+i/100, row.had, row.most, int64(i%100)*int64(second))
			if got < row.least || got >= row.most {
				t.Fatalf("%+v: %v", row, got)
			}
			tenths[10*(got-row.least)/(row.most-row.least)]++
		}
		for _, n := range tenths {
			require.InDelta(t, picks/10, n, picks/200, "%+v: %v", row, tenths)
		}
	}
}

// Registries that begin at different numbers pick the same intervals.
func TestPickCountsFromTheFirstRegistration(t *testing.T) {
	c := config(10*second, 60*second, 20)
	a, b := pacing.New(c, 0), pacing.New(c, 1<<50)
	for i := range uint64(100) {
		require.Equal(t, a.Pick(i, 0, 60*second, int64(i)), b.Pick(1<<50+i, 0, 60*second, int64(i)))
	}
}

func TestWhatHeartbeatsCallDoesNotAllocate(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 1), 0)
	now := int64(0)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		now += int64(second)
		a.Update(0, now)
		had, most := a.QuoteJoin(now)
		a.Pick(1, had, a.EffectiveInterval(had, most), now)
	}))
}
