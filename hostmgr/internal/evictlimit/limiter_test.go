package evictlimit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const second = time.Second

// zoneOf is a limiter with so many hosts in zone a, of which none is suspect.
func zoneOf(c Config, hosts int) (l *Limiter, zone uint8) {
	l = New(c)
	for range hosts {
		zone = l.Enter("a")
	}
	return l, zone
}

func TestReasons(t *testing.T) {
	for _, row := range []struct {
		reason Reason
		text   string
	}{
		{Reason{}, ""},
		{Reason{Kind: KindAll, Missing: 12, Total: 40}, "eviction limit: 12 of 40 hosts are missing"},
		{Reason{Kind: KindZone, Missing: 3, Total: 5, Zone: "a"}, `eviction limit: 3 of 5 hosts of zone "a" are missing`},
		{Reason{Kind: KindRate, PerSecond: 2}, "eviction limit: at most 2 evictions a second"},
		{Reason{Kind: KindRate, PerSecond: 0.25}, "eviction limit: at most 0.25 evictions a second"},
		{Reason{Kind: KindRecent}, "eviction limit: until recently too many hosts were missing"},
	} {
		require.Equal(t, row.text, row.reason.String())
	}
}

func TestOn(t *testing.T) {
	require.False(t, Config{MaxHold: second}.On())
	require.True(t, Config{MaxFraction: 0.1}.On())
	require.True(t, Config{PerSecond: 0.1}.On())
}

// A zone of 10 hosts loses some; the limit says why it holds them, and until when.
func TestTheLimitOfAZone(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxFraction: 0.5, MaxHold: time.Minute}, 10)
	for range 100 {
		l.Enter("b")
	}
	now := int64(10 * second)
	l.Suspect(a, 5)
	l.Update(&stalls, now)
	why, ok := l.Spend(a, second, &stalls, now)
	require.True(t, ok, "half of them is not too many")
	require.Zero(t, why)

	l.Suspect(a, 1)
	l.Update(&stalls, now)
	want := Reason{Kind: KindZone, Missing: 6, Total: 10, Zone: "a"}
	for range 2 {
		why, ok = l.Spend(a, second, &stalls, now)
		require.False(t, ok)
		require.Equal(t, want, why)
	}
	require.Zero(t, l.All().Reason)
	require.Zero(t, figures(l, "a").Reason, "no host waits")
	l.Wait(a, true)
	require.Equal(t, want, figures(l, "a").Reason)
	require.Zero(t, l.All().Reason, "they wait for their zone")

	l.Suspect(a, -6)
	now += int64(10 * second) // it may have been active until now
	l.Update(&stalls, now)
	require.Zero(t, figures(l, "a").Reason, "none was held since")
	why, ok = l.Spend(a, second, &stalls, now+int64(second))
	require.False(t, ok, "a heartbeat has the interval to arrive")
	require.Equal(t, Reason{Kind: KindRecent}, why)
	require.Equal(t, Reason{Kind: KindRecent}, figures(l, "a").Reason)
	_, ok = l.Spend(a, second, &stalls, now+int64(second)+1)
	require.True(t, ok)
	l.Wait(a, false)
	require.Zero(t, figures(l, "a").Reason)
}

func figures(l *Limiter, zone string) (c Counts) {
	for z := range l.Zones(0) {
		if z.Name == zone {
			c = z
		}
	}
	return c
}

// A single missing host is never too many. Hosts that were evicted one by one, and came back, are
// not missing either.
func TestOneMissingHostIsNotTooMany(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxFraction: 0.1, MaxHold: time.Minute}, 2)
	for now := int64(2 * second); now < int64(time.Hour); now += int64(second) {
		l.Suspect(a, 1)
		l.Update(&stalls, now)
		_, ok := l.Spend(a, second, &stalls, now)
		require.True(t, ok)
		l.Suspect(a, -1)
		l.Leave(a)
		l.CountEviction(a, now)
		a = l.Enter("a")
		l.CreditJoin(a)
	}
}

// Hosts that are evicted one by one are missing for one MaxHold.
func TestTheLimitSeesATrickle(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxFraction: 0.5, MaxHold: time.Minute}, 10)
	now, evicted := int64(10*second), 0
	for ; now < int64(40*second); now += int64(3 * second) {
		l.Suspect(a, 1)
		l.Update(&stalls, now)
		if _, ok := l.Spend(a, second, &stalls, now); !ok {
			break
		}
		l.Suspect(a, -1)
		l.Leave(a)
		l.CountEviction(a, now)
		evicted++
	}
	require.Equal(t, 5, evicted)
	now += int64(70 * second)
	l.Update(&stalls, now)
	_, ok := l.Spend(a, second, &stalls, now+int64(2*second))
	require.True(t, ok, "they are no longer missed")
}

// A zone without hosts is forgotten; but not if its only host moves within it, also where it is
// counted in "other".
func TestAZoneIsForgottenWithItsLastHost(t *testing.T) {
	var stalls detector.StallLog
	for _, named := range []int{0, 64} {
		for _, moves := range []bool{true, false} {
			l := New(Config{MaxFraction: 0.5, MaxHold: time.Minute})
			for _, name := range numbers(named) {
				l.Enter(name)
			}
			for range 20 {
				l.Enter("0")
			}
			l.Enter("a")
			a := l.Enter("a")
			l.Leave(a)
			l.CountEviction(a, 0)
			if moves {
				a = l.Move(a, "a")
			} else {
				l.Leave(a)
				a = l.Enter("a")
			}
			l.Suspect(a, 1)
			l.Update(&stalls, int64(second))
			_, ok := l.Spend(a, second, &stalls, int64(9*second))
			require.Equal(t, !moves, ok, "two of two are missing, or one of one")
		}
	}
}

// The limit is the rate where it is always active: what it saves up is bounded while no host waits.
func TestTheRate(t *testing.T) {
	var stalls detector.StallLog
	for _, row := range []struct {
		perSecond  float64
		after      time.Duration
		idle, held int // evictions that are allowed after that time
	}{
		{2, 9 * second, 2, 18},
		{4, 3 * second, 4, 12},
		{0.25, 9 * second, 1, 2},
		{0.25, 3 * second, 0, 0},
		{0, 1000 * time.Hour, 0, 0},
	} {
		for _, waits := range []bool{false, true} {
			l, a := zoneOf(Config{MaxFraction: 0, PerSecond: row.perSecond, MaxHold: time.Hour}, 100)
			if row.perSecond == 0 {
				l, a = zoneOf(Config{MaxFraction: 1e-9, MaxHold: time.Hour}, 100)
				l.Suspect(a, 50)
			}
			want := row.idle
			if waits {
				want = row.held
				l.Wait(a, true)
			}
			l.Update(&stalls, int64(row.after))
			require.Equal(t, want, spend(l, a, &stalls, int64(row.after)), "%+v", row)
		}
	}
}

// spend returns how many hosts of 1 s may be evicted now.
func spend(l *Limiter, zone uint8, stalls *detector.StallLog, now int64) (n int) {
	for {
		if _, ok := l.Spend(zone, second, stalls, now); !ok {
			return n
		}
		n++
	}
}

// In a stall nothing is saved up, and no hold is used up.
func TestAStallSavesNothing(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{PerSecond: 1, MaxHold: time.Minute}, 100)
	l.Wait(a, true)
	require.True(t, stalls.Append(int64(2*second), int64(time.Hour), 1))
	now := int64(time.Hour + second)
	require.EqualValues(t, 57*second, l.HoldLeft(0, &stalls, now))
	l.Update(&stalls, now)
	require.Equal(t, 3, spend(l, a, &stalls, now))
	l.Update(&stalls, now)
	require.Zero(t, spend(l, a, &stalls, now), "no time counts twice")
}

// Two zones are cut off, and their hosts wait for the rate of all. When that is no longer active,
// each zone has saved up one second, though it has waited for longer.
func TestAZoneDoesNotSaveUpWhileItWaitsForAll(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxFraction: 0.5, PerSecond: 1, MaxHold: time.Hour}, 200)
	zones := [2]uint8{a, 0}
	for range 200 {
		zones[1] = l.Enter("b")
	}
	for _, zone := range zones {
		l.Suspect(zone, 200)
		l.Wait(zone, true)
	}
	now := int64(0)
	for i := range 90 {
		now += int64(second)
		l.Update(&stalls, now)
		require.LessOrEqual(t, spend(l, zones[i%2], &stalls, now), 1)
	}
	for range 1000 {
		l.Enter("c")
	}
	for range 5 {
		now += int64(second)
		l.Update(&stalls, now)
		for _, zone := range zones {
			require.LessOrEqual(t, spend(l, zone, &stalls, now), 2)
		}
	}
}

// Without a limit nothing is counted, and all may be evicted.
func TestNoLimit(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxHold: time.Minute}, 10)
	l.Suspect(a, 10)
	l.CountEviction(a, 5)
	l.CreditJoin(a)
	l.Update(&stalls, 10)
	require.Zero(t, l.all.evicted)
	require.Zero(t, l.all.savedAt)
	require.Equal(t, Counts{Hosts: 10, Suspects: 10}, l.All())
}

// What each heartbeat and each eviction may call allocates nothing.
func TestNothingIsAllocated(t *testing.T) {
	var stalls detector.StallLog
	l, a := zoneOf(Config{MaxFraction: 0.5, PerSecond: 1, MaxHold: time.Minute}, 10)
	now := int64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		now += int64(second)
		l.Suspect(a, 1)
		l.Update(&stalls, now)
		l.Spend(a, second, &stalls, now)
		l.CountEviction(a, now)
		l.Leave(l.Enter("a"))
		l.CreditJoin(a)
	}))
}
