package evictlimit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pastOf returns the past of a zone, or false if there is no such zone.
func pastOf(l *Limiter, zone string, now int64) (past Past, ok bool) {
	for c, p := range l.Zones(now) {
		if c.Name == zone {
			return p, true
		}
	}
	return past, false
}

// evict ends the registrations of n hosts.
func evict(l *Limiter, zone uint8, n int, now int64) {
	for range n {
		l.Depart(zone, evicted, now)
	}
}

func TestALostZoneStaysForAnHour(t *testing.T) {
	l := New(Config{})
	for range 3 {
		l.Enter("b")
	}
	a := l.Enter("a")
	l.Enter("a")
	now := int64(1000 * time.Second)
	l.Sample(now)
	evict(l, a, 2, now)
	past, ok := pastOf(l, "a", now)
	require.True(t, ok)
	require.Equal(t, Past{Ended: [Kinds]uint64{evicted: 2}, Evicted: 2, Most: 2, EvictedAt: now}, past)
	require.Equal(t, Past{Ended: [Kinds]uint64{evicted: 2}, Evicted: 2, Most: 5, EvictedAt: now}, l.Past(now))

	now += remembered
	l.Sample(now)
	past, ok = pastOf(l, "a", now)
	require.True(t, ok)
	require.Zero(t, past.Evicted, "not lately")
	_, ok = pastOf(l, "a", now+1)
	require.False(t, ok, "even if no sample comes")
	l.Enter("a")
	past, _ = pastOf(l, "a", now+1)
	require.EqualValues(t, 2, past.Ended[evicted], "it came back in time")
}

func TestAZoneThatWasLeftIsForgotten(t *testing.T) {
	l := New(Config{})
	a := l.Enter("a")
	l.Depart(a, 1, 7)
	_, ok := pastOf(l, "a", 7)
	require.False(t, ok)
	require.EqualValues(t, 1, l.Past(7).Ended[1])
}

// At most 65 zones are there. Those that were lost first are forgotten, but none that has hosts.
func TestLostZonesMakeRoom(t *testing.T) {
	l := New(Config{})
	for i, name := range numbers(70) {
		evict(l, l.Enter(name), 1, int64(time.Minute)+int64(i))
	}
	now := int64(2 * time.Minute)
	_, ok := pastOf(l, "4", now)
	require.False(t, ok)
	_, ok = pastOf(l, "5", now)
	require.True(t, ok)
	for _, name := range numbers(64) {
		l.Enter(name + " lives")
	}
	_, ok = pastOf(l, "69", now)
	require.True(t, ok)
	l.Enter("another")
	n := 0
	for c := range l.Zones(now) {
		require.Positive(t, c.Hosts)
		n++
	}
	require.Equal(t, maxZones+1, n)
}

// Hosts join and are evicted, with and without samples. Lately is compared with a list of all
// evictions: the last 5 minutes count, and up to 10 seconds before them may.
func TestLatelyAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, hosts, now := New(Config{}), 0, int64(time.Hour)
		var at []int64
		most := map[int64]int{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now += int64(rapid.SampledFrom([]time.Duration{0, 1, time.Second, 9 * time.Second, 10 * time.Second, 4 * time.Minute}).Draw(t, "later"))
			switch n := rapid.IntRange(1, 5).Draw(t, "hosts"); rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				for range n {
					l.Enter("a")
				}
				hosts += n
			case 1: // as a sweep does
				l.Sample(now)
				if n = min(n, hosts); n > 0 {
					zone, _ := l.Number("a")
					evict(l, zone, n, now)
					hosts -= n
				}
				for range n {
					at = append(at, now)
				}
				most[now] = max(most[now], hosts+n)
			case 2:
				l.Sample(now)
				most[now] = max(most[now], hosts)
			}
			sure, may, greatest := 0, 0, hosts
			for _, t := range at {
				if t > now-int64(5*time.Minute) {
					sure++
				}
				if t > now-int64(5*time.Minute)-part {
					may++
				}
			}
			for t, n := range most {
				if t > now-int64(5*time.Minute) {
					greatest = max(greatest, n)
				}
			}
			for _, p := range []Past{l.Past(now), only(l, now)} {
				require.GreaterOrEqual(t, p.Evicted, sure)
				require.LessOrEqual(t, p.Evicted, may)
				require.GreaterOrEqual(t, p.Most, greatest)
			}
		}
	})
}

// only returns the past of zone a. If nothing was ever evicted there, or not within an hour, it may
// be gone: it is that of all hosts.
func only(l *Limiter, now int64) Past {
	if p, ok := pastOf(l, "a", now); ok {
		return p
	}
	return l.Past(now)
}
