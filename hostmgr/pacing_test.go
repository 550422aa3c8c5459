package hostmgr_test

import (
	queue "container/heap"
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A pacedFleet is hosts that follow the advised interval, although some acks are lost, and a
// registry with a Pacing that is swept when Next says so. It fails the test when a live host is
// evicted.
type pacedFleet struct {
	*script
	t        *testing.T
	cfg      hostmgr.Config[string]
	rnd      *rand.Rand
	lost     float64 // the share of acks that are lost
	hosts    []pacedHost
	plan     plan
	contact  func(at time.Duration) // called for each contact
	start    time.Time
	shortest time.Duration // the bounds of the advised intervals
	longest  time.Duration
}

type pacedHost struct {
	id       string
	interval time.Duration // the interval that the host uses
	announce bool          // announces that interval each time
	gone     bool
}

// A plan is a heap of the next heartbeats.
type plan []nextHeartbeat

type nextHeartbeat struct {
	at   time.Duration
	host int
}

func (p plan) Len() int           { return len(p) }
func (p plan) Less(i, j int) bool { return p[i].at < p[j].at }
func (p plan) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *plan) Push(c any)        { *p = append(*p, c.(nextHeartbeat)) }
func (p *plan) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

func newPacedFleet(t *testing.T, seed uint64, c hostmgr.Pacing) *pacedFleet {
	o := &pacedFleet{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), shortest: math.MaxInt64}
	o.cfg = hostmgr.Config[string]{Pacing: c, Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		if i, _ := strconv.Atoi(d.Host.ID); d.Kind == hostmgr.DepartureEvicted && !o.hosts[i].gone {
			t.Fatalf("evicted at %v, although its interval is %v: %+v", o.now(), o.hosts[i].interval, d)
		}
		return nil
	}}
	o.script = newScript(t, o.cfg)
	o.start = o.clock.Now()
	return o
}

func (o *pacedFleet) now() time.Duration { return o.clock.Since(o.start) }

// joinHosts lets n hosts join, at random times within the spread.
func (o *pacedFleet) joinHosts(n int, spread time.Duration) {
	for range n {
		i := len(o.hosts)
		o.hosts = append(o.hosts, pacedHost{
			id: strconv.Itoa(i), interval: o.cfg.Pacing.Min, announce: o.rnd.IntN(2) == 0,
		})
		o.schedule(i, time.Duration(o.rnd.Int64N(int64(spread)+1)))
	}
}

func (o *pacedFleet) schedule(i int, in time.Duration) {
	queue.Push(&o.plan, nextHeartbeat{o.now() + in, i})
}

// pass lets time pass, with heartbeats and sweeps.
func (o *pacedFleet) pass(d time.Duration) {
	for end := o.now() + d; ; {
		next := end
		if len(o.plan) > 0 {
			next = min(next, o.plan[0].at)
		}
		if at, ok := o.Next(); ok && at.Sub(o.start) <= next {
			o.after(max(0, at.Sub(o.start)-o.now()))
			continue
		}
		o.clock.Advance(next - o.now())
		if len(o.plan) == 0 || o.plan[0].at > end {
			return
		}
		c := queue.Pop(&o.plan).(nextHeartbeat)
		if !o.hosts[c.host].gone {
			o.heartbeat(c.host)
		}
	}
}

// heartbeat sends one heartbeat of a host, which gets the ack or loses it.
func (o *pacedFleet) heartbeat(i int) {
	p := &o.hosts[i]
	ack, err := o.Heartbeat(p.id, 0)
	if p.announce || err != nil {
		ack, err = o.Announce(hostmgr.Announcement[string]{ID: p.id, Interval: p.interval})
		require.NoError(o.t, err)
	}
	o.shortest, o.longest = min(o.shortest, ack.Interval), max(o.longest, ack.Interval)
	if o.rnd.Float64() >= o.lost {
		p.interval = ack.Interval
	}
	if o.contact != nil {
		o.contact(o.now())
	}
	o.schedule(i, p.interval)
}

// rate returns the contacts a second during the next d.
func (o *pacedFleet) rate(d time.Duration) float64 {
	n := 0
	o.contact = func(time.Duration) { n++ }
	o.pass(d)
	o.contact = nil
	return float64(n) / d.Seconds()
}

func TestPacingKeepsItsRateAndBounds(t *testing.T) {
	c := hostmgr.Pacing{Min: 10 * second, Max: 60 * second, PerSecond: 20, Jitter: 0.3}
	o := newPacedFleet(t, 1, c)
	for _, x := range []struct {
		hosts int
		rate  float64
	}{{50, 50 / 12.2}, {200, 200 / 12.2}, {400, 20}, {1000, 20}, {2000, 2000 / 51.0}} {
		o.joinHosts(x.hosts-len(o.hosts), second)
		o.pass(3 * time.Minute)
		rate := o.rate(5 * time.Minute)
		require.LessOrEqual(t, rate, x.rate*1.01, "%d hosts", x.hosts)
		require.Greater(t, rate, x.rate*0.93, "%d hosts", x.hosts)
	}
	require.GreaterOrEqual(t, o.shortest, c.Min)
	require.LessOrEqual(t, o.longest, c.Max)
}

func TestWithoutJitterTheAckHasTheAdvisedInterval(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: 6 * second, PerSecond: 1}})
	for i := range 10 {
		s.join(strconv.Itoa(i))
		s.clock.Advance(second) // the hosts join one by one
	}
	ack, err := s.Heartbeat("9", 0)
	require.NoError(t, err)
	require.Equal(t, 6*second, ack.Interval)
	require.Equal(t, 6*second, s.Stats().AdvisedInterval)
}

// A host is advised 60 s, then 10 s, and the second ack is lost. It still uses 60 s.
func TestAHostIsJudgedByTheLongestAdvisedInterval(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: 10 * second, Max: 60 * second, PerSecond: 1}})
	for i := range 60 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * second})
		s.after(second / 4)
	}
	ack, err := s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Greater(t, ack.Interval, 10*second, "between its own interval and the advised one")
	require.Less(t, ack.Interval, 60*second)
	ack, err = s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Equal(t, 60*second, ack.Interval)
	require.Equal(t, 60*second, s.get("0").Interval)
	for range 600 {
		for i := range 60 {
			s.heartbeat(strconv.Itoa(i))
		}
		s.after(second)
	}
	for i := 1; i < 60; i++ {
		require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
	}
	s.after(0)
	require.Greater(t, s.Stats().AdvisedInterval, 50*second, "not at once")
	for advised := s.Stats().AdvisedInterval; advised > 10*second; advised = s.Stats().AdvisedInterval {
		s.clock.Advance(second)
		s.heartbeat("0")
		s.Sweep(context.Background())
		require.LessOrEqual(t, s.Stats().AdvisedInterval, advised)
		shortest := advised.Seconds() * math.Exp2(-1/advised.Seconds()) * 63 / 64
		require.GreaterOrEqual(t, s.Stats().AdvisedInterval.Seconds(), shortest, "no more than half in an interval")
	}
	ack, err = s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Equal(t, 10*second, ack.Interval)
	s.after(120 * second)
	require.False(t, s.gone("0"), "it still uses 60 s")
	s.heartbeat("0")

	s.announce(hostmgr.Announcement[string]{ID: "0", Interval: 10 * second})
	require.Equal(t, 10*second, s.get("0").Interval)
	s.after(20*second + 1)
	require.True(t, s.gone("0"))
}

// There is no sweep for long, and then all hosts leave at once.
func TestPacingShrinksFromTheMomentHostsLeave(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: time.Hour, PerSecond: 100}})
	for i := range 1000 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Hour})
	}
	s.after(0)
	s.clock.Advance(time.Minute)
	for i := range 1000 {
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
	}
	s.join("back")
	require.Equal(t, 10*second, s.Stats().AdvisedInterval)
}

// The number of hosts changes and acks are lost. No live host is evicted.
func TestPacingEvictsNoLiveHost(t *testing.T) {
	for seed := range uint64(times(20, 1000)) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		shortest := time.Duration(1+rnd.IntN(20)) * second
		o := newPacedFleet(t, seed, hostmgr.Pacing{
			Min: shortest, Max: shortest + time.Duration(rnd.IntN(100))*second,
			PerSecond: 1 + 20*rnd.Float64(), Jitter: 0.9 * rnd.Float64() * float64(rnd.IntN(2)),
		})
		o.lost = float64(rnd.IntN(3)) * 0.3
		for range 12 {
			switch rnd.IntN(5) {
			case 0:
				o.joinHosts(rnd.IntN(300), time.Duration(rnd.Int64N(int64(20*second))))
			case 1: // half of the acks are lost
				for i := range o.hosts {
					o.hosts[i].gone = o.hosts[i].gone || rnd.IntN(2) == 0
				}
			case 2: // half of the hosts leave
				for i := range o.hosts {
					if p := &o.hosts[i]; !p.gone && rnd.IntN(2) == 0 {
						p.gone = true
						_ = o.Leave(context.Background(), p.id, 0)
					}
				}
			case 3: // a new registry, with all hosts restored or none
				before := o.script
				o.cfg.Clock = before.clock
				o.script = newScriptOn(t, before.clock, o.cfg)
				if rnd.IntN(2) == 0 {
					_, err := o.Restore(before.All())
					require.NoError(t, err)
				}
			}
			o.pass(time.Duration(rnd.Int64N(int64(3 * time.Minute))))
		}
	}
}

// Pacing rounds no interval up beyond the longest allowed one, which another registry would refuse.
func TestPacingRoundsNoIntervalBeyondTheLimit(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{PerSecond: 1}})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 24 * time.Hour})
	require.Equal(t, 24*time.Hour, s.get("a").Interval)
}

func TestAnInvalidPacingIsAnError(t *testing.T) {
	for what, c := range map[string]hostmgr.Pacing{
		"no rate":         {Min: second},
		"negative rate":   {PerSecond: -1},
		"infinite rate":   {PerSecond: math.Inf(1)},
		"NaN":             {PerSecond: math.NaN()},
		"Min too short":   {Min: time.Millisecond, PerSecond: 1},
		"negative Min":    {Min: -second, PerSecond: 1},
		"Max too long":    {Max: 25 * time.Hour, PerSecond: 1},
		"negative Max":    {Max: -second, PerSecond: 1},
		"Max below Min":   {Min: 2 * second, Max: second, PerSecond: 1},
		"negative Jitter": {PerSecond: 1, Jitter: -0.1},
		"Jitter of 1":     {PerSecond: 1, Jitter: 1},
		"Jitter NaN":      {PerSecond: 1, Jitter: math.NaN()},
	} {
		_, err := hostmgr.New(hostmgr.Config[string]{Pacing: c})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, what)
	}
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{PerSecond: 1e-9}})
	require.Equal(t, 30*second, s.join("a").Interval, "Min")
	require.Equal(t, 300*second, s.Stats().AdvisedInterval, "Max is 10 times Min")
}
