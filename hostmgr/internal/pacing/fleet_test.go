package pacing_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/pacing"
	"github.com/hostlife/hostlife/internal/effort"
)

// times returns how often a test tries something.
var times = effort.Times[int]

// A fleet is hosts that send heartbeats at the intervals that they are told, and a registry that
// does what pacing asks of it. The test fails if a heartbeat comes later than the interval from
// which the registry computes the timeouts of its host.
type fleet struct {
	t       testing.TB
	rnd     *rand.Rand
	config  pacing.Config
	advisor *pacing.Advisor
	hosts   []host
	known   int // to the registry
	lost    float64
	next    schedule
	now     int64

	onHeartbeat func()
	shortest    time.Duration // that a host was told
	longest     time.Duration
}

type host struct {
	interval  time.Duration // that it uses
	announces bool          // each time, instead of a heartbeat
	gone      bool

	// What the registry knows.
	known     bool
	effective time.Duration
	contact   int64
}

// A schedule is a heap of the next heartbeats.
type schedule []contact

type contact struct {
	at   int64
	host int
}

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].at < s[j].at }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(c any)        { *s = append(*s, c.(contact)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

func newFleet(t testing.TB, seed uint64, c pacing.Config) *fleet {
	return &fleet{
		t: t, rnd: rand.New(rand.NewPCG(seed, 7)), config: c, advisor: pacing.New(c, 0),
		shortest: day, onHeartbeat: func() {},
	}
}

// start adds so many hosts, each of which joins at some time within spread.
func (f *fleet) start(n int, spread time.Duration) {
	for range n {
		f.hosts = append(f.hosts, host{interval: f.config.Min, announces: f.rnd.IntN(2) == 0})
		in := f.rnd.Int64N(int64(spread) + 1)
		heap.Push(&f.next, contact{f.now + in, len(f.hosts) - 1})
	}
}

// leave removes a host from the registry. It may be one that does not know of that.
func (f *fleet) leave(h *host) {
	if h.known {
		h.known = false
		f.known--
		f.advisor.Update(f.known, f.now)
	}
}

// restart replaces the registry by another one. It knows no host, or all of them.
func (f *fleet) restart(restore bool) {
	f.advisor, f.known = pacing.New(f.config, 0), 0
	for i := range f.hosts {
		if h := &f.hosts[i]; h.known && restore {
			f.known++
			f.advisor.Joined(f.known, f.now)
			h.effective, h.contact = f.advisor.EffectiveInterval(h.effective, 0), f.now
		} else {
			h.known = false
		}
	}
}

// run lets time pass.
func (f *fleet) run(d time.Duration) {
	for end := f.now + int64(d); ; {
		if len(f.next) == 0 || f.next[0].at > end {
			f.now = end
			return
		}
		c := &f.next[0]
		f.now = c.at
		h := &f.hosts[c.host]
		if h.gone {
			heap.Pop(&f.next)
			continue
		}
		f.contact(h, uint64(c.host)+1)
		c.at += int64(h.interval)
		heap.Fix(&f.next, 0)
	}
}

// contact is one heartbeat or announcement of a host, and the answer, which may be lost.
func (f *fleet) contact(h *host, registration uint64) {
	if silence := time.Duration(f.now - h.contact); h.known && silence > h.effective {
		f.t.Fatalf("a heartbeat comes after %v, of a host with an effective interval of %v", silence, h.effective)
	}
	had, most := f.quote(h)
	h.contact = f.now
	told := f.advisor.Pick(registration, had, most, f.now)
	f.shortest, f.longest = min(f.shortest, told), max(f.longest, told)
	if f.rnd.Float64() >= f.lost {
		h.interval = told
	}
	f.onHeartbeat()
}

// quote does what hostmgr does in a join, a refresh and a heartbeat.
func (f *fleet) quote(h *host) (had, most time.Duration) {
	had, most = h.effective, f.advisor.Interval(f.now)
	switch {
	case !h.known:
		had, most = f.advisor.QuoteJoin(f.now)
		h.effective = f.advisor.EffectiveInterval(h.interval, most)
		h.known = true
		f.known++
		f.advisor.Joined(f.known, f.now)
	case h.announces:
		h.effective = f.advisor.EffectiveInterval(h.interval, most)
	case had < most:
		h.effective = f.advisor.EffectiveInterval(had, most)
	}
	return had, most
}

// rate returns the heartbeats per second of the time to come.
func (f *fleet) rate(d time.Duration) float64 {
	n := 0
	f.onHeartbeat = func() { n++ }
	f.run(d)
	return float64(n) / d.Seconds()
}

func TestTheFleetKeepsToItsRateAndBounds(t *testing.T) {
	for seed := range uint64(times(10, 100)) {
		c := config(10*second, 60*second, 20)
		c.Jitter = 0.3
		f := newFleet(t, seed, c)
		for _, row := range []struct {
			hosts int
			rate  float64
		}{{50, 50 / 12.2}, {200, 200 / 12.2}, {400, 20}, {1000, 20}, {2000, 2000 / 51.0}} {
			f.start(row.hosts-len(f.hosts), second)
			f.run(3 * time.Minute)
			rate := f.rate(5 * time.Minute)
			require.LessOrEqual(t, rate, row.rate*1.01, "%d hosts", row.hosts)
			require.Greater(t, rate, row.rate*0.93, "%d hosts", row.hosts)
		}
		require.GreaterOrEqual(t, f.shortest, c.Min)
		require.LessOrEqual(t, f.longest, c.Max)
	}
}

// Whatever happens to the fleet, to the answers and to the registry, no heartbeat comes late.
func TestNoChangeOfTheIntervalMakesAHeartbeatLate(t *testing.T) {
	for seed := range uint64(times(500, 100_000)) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		least := time.Duration(1+rnd.IntN(20)) * second
		c := config(least, least+time.Duration(rnd.IntN(100))*second, 1+20*rnd.Float64())
		c.Jitter = 0.9 * rnd.Float64() * float64(rnd.IntN(2))
		f := newFleet(t, seed, c)
		f.lost = float64(rnd.IntN(3)) * 0.3
		for range 12 {
			f.disturb(rnd)
			f.run(time.Duration(rnd.Int64N(int64(3 * time.Minute))))
		}
	}
}

func (f *fleet) disturb(rnd *rand.Rand) {
	switch rnd.IntN(5) {
	case 0:
		f.start(rnd.IntN(300), time.Duration(rnd.Int64N(int64(20*second))))
	case 1: // half of them are lost
		for i := range f.hosts {
			f.hosts[i].gone = f.hosts[i].gone || rnd.IntN(2) == 0
		}
	case 2: // half of them leave; of these half have not noticed and join again
		for i := range f.hosts {
			if h := &f.hosts[i]; rnd.IntN(2) == 0 {
				h.gone = h.gone || rnd.IntN(2) == 0
				f.leave(h)
			}
		}
	case 3:
		f.restart(rnd.IntN(2) == 0)
	case 4:
		f.advisor.Update(f.known, f.now)
	}
}

// 100,000 hosts restart at once. In the following intervals the heartbeats are spread.
func TestHostsThatRestartTogetherDoNotSendTogether(t *testing.T) {
	const hosts = 100_000
	for i, c := range []pacing.Config{
		{Min: 10 * second, Max: 60 * second, PerSecond: 2000, Jitter: 0.1, MaxInterval: day},
		{Min: 30 * second, Max: 300 * second, PerSecond: 5000, Jitter: 0.1, MaxInterval: day},
		{Min: 10 * second, Max: 60 * second, PerSecond: 2000, MaxInterval: day},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			f := newFleet(t, 3, c)
			f.start(hosts, time.Duration(i%2)*second)
			interval := max(c.Min, time.Duration(hosts/c.PerSecond*float64(second)))
			f.run(interval)
			ratio := f.peakOverMean(4 * interval)
			t.Logf("peak over mean %.2f", ratio)
			require.LessOrEqual(t, ratio, 3.0)
		})
	}
}

// peakOverMean divides the most heartbeats in any tenth of a second of the time to come by the
// average.
func (f *fleet) peakOverMean(d time.Duration) float64 {
	const tenth = int64(100 * time.Millisecond)
	var all []int64     // in order
	peak, first := 0, 0 // of the tenth that ends with the latest
	f.onHeartbeat = func() {
		for all = append(all, f.now); f.now-all[first] >= tenth; {
			first++
		}
		peak = max(peak, len(all)-first)
	}
	f.run(d)
	return float64(peak) / (float64(len(all)) * time.Duration(tenth).Seconds() / d.Seconds())
}

// A host was told 60 s, then 10 s, and that answer is lost. Its effective interval is 60 s until it
// announces another one.
func TestAHostIsJudgedByTheLongestThatItWasTold(t *testing.T) {
	f := newFleet(t, 1, config(10*second, 60*second, 1))
	f.start(1, 0)
	f.hosts[0].announces = false
	f.run(0)
	h := &f.hosts[0]
	f.advisor.Update(60, f.now)
	f.run(20 * second)
	require.Greater(t, h.interval, 10*second, "between its own and the advised one")
	f.run(2 * time.Minute)
	require.Equal(t, 60*second, h.interval)
	f.advisor.Update(1, f.now)
	f.lost = 1
	f.run(10 * time.Minute)
	require.Equal(t, 10*second, f.advisor.Interval(f.now))
	require.Equal(t, 60*second, h.effective)
	f.lost = 0
	f.run(time.Minute)
	require.Equal(t, 10*second, h.interval)
	require.Equal(t, 60*second, h.effective, "the host has not announced another interval")
	h.announces = true
	f.run(time.Minute)
	require.Equal(t, 10*second, h.effective)
}
