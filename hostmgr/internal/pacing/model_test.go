package pacing_test

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/pacing"
)

// So many checks, unless the command line says otherwise.
func init() { _ = flag.Set("rapid.checks", "3000") }

// A naive Advisor moves its interval at each step of time, in half nanoseconds, and keeps the
// time of each join.
type naive struct {
	c            pacing.Config
	now          int64
	interval, to int64 // in half nanoseconds
	joins        []int64
	burst        bool
	burstEnd     int64
}

func newNaive(c pacing.Config) *naive {
	d := 2 * int64(target(c, 0))
	return &naive{c: c, interval: d, to: d}
}

func (m *naive) pass(d int64) {
	m.now += d
	m.interval = max(m.to, m.interval-d)
}

func (m *naive) advised() time.Duration { return time.Duration((m.interval + 1) / 2) }

func (m *naive) update(hosts int) {
	if m.to = 2 * int64(target(m.c, hosts)); m.to >= 2*int64(m.advised()) {
		m.interval = m.to
	}
	m.burst = float64(m.recentJoins()) > max(1, m.c.PerSecond/20)
	m.burstEnd = m.now + int64(time.Second)
}

// recentJoins counts them to an eighth of a second.
func (m *naive) recentJoins() (n int) {
	const eighth = int64(time.Second) / 8
	for _, at := range m.joins {
		if m.now/eighth-at/eighth <= 8 {
			n++
		}
	}
	return n
}

func (m *naive) quoteJoin() (had, most time.Duration) {
	most = m.advised()
	if m.burst && m.now < m.burstEnd {
		return m.c.Min, max(most, min(2*m.c.Min, m.c.Max))
	}
	return most, most
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := config(second, time.Hour, rapid.SampledFrom([]float64{0.01, 1, 60, 100, 1000}).Draw(t, "PerSecond"))
		c.Max = time.Duration(rapid.Int64Range(int64(second), int64(time.Hour)).Draw(t, "Max"))
		a, m, hosts := pacing.New(c, 0), newNaive(c), 0
		join := func() {
			hosts++
			a.Joined(hosts, m.now)
			m.joins = append(m.joins, m.now)
			m.update(hosts)
		}
		leave := func(n int) {
			hosts -= min(n, hosts)
			a.Update(hosts, m.now)
			m.update(hosts)
		}
		size := rapid.SampledFrom([]int64{3, int64(second) / 8, int64(second), int64(time.Minute), int64(time.Hour)})
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 1, 5, 60}).Draw(t, "joins") {
					join()
				}
			},
			"leave":        func(t *rapid.T) { leave(rapid.IntRange(0, 10).Draw(t, "hosts")) },
			"many":         func(t *rapid.T) { leave(rapid.IntRange(0, hosts).Draw(t, "hosts")) },
			"pass":         func(t *rapid.T) { m.pass(rapid.Int64Range(0, size.Draw(t, "size")).Draw(t, "d")) },
			"passToTarget": func(*rapid.T) { m.pass(max(0, m.interval-m.to)) },
			"": func(*rapid.T) {
				require.Equal(t, m.advised(), a.Interval(m.now))
				had, most := a.QuoteJoin(m.now)
				wantHad, wantMost := m.quoteJoin()
				require.Equal(t, wantHad, had)
				require.Equal(t, wantMost, most)
			},
		})
	})
}

// Whatever joins and leaves, and however often the advisor is updated: the interval does not
// shrink to less than half of any earlier one within that one. It reaches its target in time.
func TestTheIntervalShrinksByHalfAtMostInOneInterval(t *testing.T) {
	type advice struct {
		at       int64
		interval time.Duration
	}
	rapid.Check(t, func(t *rapid.T) {
		a, hosts, now := pacing.New(config(second, time.Hour, 1), 0), 1000, int64(0)
		a.Update(hosts, now)
		require.Equal(t, 1000*second, a.Interval(now))
		longest := int64(second) << rapid.IntRange(2, 9).Draw(t, "longest")
		var past []advice
		look := func() {
			got := advice{now, a.Interval(now)}
			for _, p := range past {
				require.False(t, now-p.at <= int64(p.interval) && 2*got.interval < p.interval, "%v after %v", got, p)
			}
			past = append(past, got)
		}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now += rapid.Int64Range(0, longest).Draw(t, "d")
			look()
			hosts = max(1, hosts-rapid.IntRange(0, 100).Draw(t, "leave"))
			a.Update(hosts, now)
			look()
		}
		a.Update(1, now)
		require.Equal(t, second, a.Interval(now+2000*int64(second)))
	})
}

// In one interval it shrinks by half, whether it is updated once or each millisecond.
func TestTheIntervalShrinksByHalfInOneInterval(t *testing.T) {
	for _, updates := range []int64{1, 10, 1_000_000} {
		a := pacing.New(config(second, time.Hour, 1), 0)
		a.Update(1000, 0)
		a.Update(1, 0)
		for i := range updates {
			a.Update(1, int64(1000*second)/updates*i)
		}
		require.Equal(t, 500*second, a.Interval(int64(1000*second)), "%d updates", updates)
	}
}

// Nothing was updated for long, and then all hosts leave: it shrinks from then on.
func TestTheIntervalShrinksFromWhenHostsLeave(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 0.01), 0)
	a.Update(4, 0)
	a.Update(3, 0)
	require.Equal(t, 400*second, a.Interval(0))
	now := int64(time.Hour)
	require.Equal(t, 300*second, a.Interval(now))
	a.Update(2, now)
	require.Equal(t, 300*second, a.Interval(now))
	require.Equal(t, 300*second, a.Interval(now-int64(time.Minute)), "a heartbeat that read the clock before")
	require.Equal(t, 250*second, a.Interval(now+int64(100*second)))
}

// Joins were many, and then nothing was updated for an hour: a join then is not part of a burst.
func TestABurstEndsWithoutAnUpdate(t *testing.T) {
	a := pacing.New(config(second, time.Hour, 1), 0)
	for i := range 1000 {
		a.Joined(i+1, 0)
	}
	had, most := a.QuoteJoin(int64(second) - 1)
	require.Equal(t, second, had)
	require.Equal(t, 1000*second, most)
	had, most = a.QuoteJoin(int64(second))
	require.Equal(t, 1000*second, had)
	require.Equal(t, 1000*second, most)
	a.Joined(1001, int64(time.Hour))
	had, _ = a.QuoteJoin(int64(time.Hour))
	require.Greater(t, had, second)
}
