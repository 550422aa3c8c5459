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

// An orchestra is hosts that beat at the intervals that they are told, some of which do not
// get through, and a registry with a Cadence that is swept whenever Next says so. It fails
// the test when a host is evicted that plays.
type orchestra struct {
	*script
	t       *testing.T
	cfg     hostmgr.Config[string]
	rnd     *rand.Rand
	lost    float64 // share of the answers
	players []player
	score   score
	heard   func(at time.Duration) // a sign of life came
	start   time.Time
	least   time.Duration // intervals that were told
	most    time.Duration
}

type player struct {
	id       string
	interval time.Duration // that it uses
	announce bool          // each time, which says so
	gone     bool
}

// A score says who beats next, and when.
type score []cue

type cue struct {
	at  time.Duration
	who int
}

func (s score) Len() int           { return len(s) }
func (s score) Less(i, j int) bool { return s[i].at < s[j].at }
func (s score) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *score) Push(c any)        { *s = append(*s, c.(cue)) }
func (s *score) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

func newOrchestra(t *testing.T, seed uint64, c hostmgr.Cadence) *orchestra {
	o := &orchestra{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), least: math.MaxInt64}
	o.cfg = hostmgr.Config[string]{Cadence: c, Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		if i, _ := strconv.Atoi(d.Host.ID); d.Kind == hostmgr.Evicted && !o.players[i].gone {
			t.Fatalf("evicted at %v, though it beats at %v: %+v", o.now(), o.players[i].interval, d)
		}
		return nil
	}}
	o.script = newScript(t, o.cfg)
	o.start = o.clock.Now()
	return o
}

func (o *orchestra) now() time.Duration { return o.clock.Since(o.start) }

// enter lets so many hosts join, at some time within the spread.
func (o *orchestra) enter(n int, spread time.Duration) {
	for range n {
		i := len(o.players)
		o.players = append(o.players, player{
			id: strconv.Itoa(i), interval: o.cfg.Cadence.Min, announce: o.rnd.IntN(2) == 0,
		})
		o.cue(i, time.Duration(o.rnd.Int64N(int64(spread)+1)))
	}
}

func (o *orchestra) cue(i int, in time.Duration) { queue.Push(&o.score, cue{o.now() + in, i}) }

// play lets time pass.
func (o *orchestra) play(d time.Duration) {
	for end := o.now() + d; ; {
		next := end
		if len(o.score) > 0 {
			next = min(next, o.score[0].at)
		}
		if at, ok := o.Next(); ok && at.Sub(o.start) <= next {
			o.after(max(0, at.Sub(o.start)-o.now()))
			continue
		}
		o.clock.Advance(next - o.now())
		if len(o.score) == 0 || o.score[0].at > end {
			return
		}
		c := queue.Pop(&o.score).(cue)
		if !o.players[c.who].gone {
			o.beat(c.who)
		}
	}
}

// beat is one sign of life of a player, who hears the answer, or does not.
func (o *orchestra) beat(i int) {
	p := &o.players[i]
	lease, err := o.Heartbeat(p.id, 0)
	if p.announce || err != nil {
		lease, err = o.Announce(hostmgr.Announcement[string]{ID: p.id, Interval: p.interval})
		require.NoError(o.t, err)
	}
	o.least, o.most = min(o.least, lease.Interval), max(o.most, lease.Interval)
	if o.rnd.Float64() >= o.lost {
		p.interval = lease.Interval
	}
	if o.heard != nil {
		o.heard(o.now())
	}
	o.cue(i, p.interval)
}

// rate is the signs of life a second in the time to come.
func (o *orchestra) rate(d time.Duration) float64 {
	n := 0
	o.heard = func(time.Duration) { n++ }
	o.play(d)
	o.heard = nil
	return float64(n) / d.Seconds()
}

func TestCadenceKeepsToItsRateAndBounds(t *testing.T) {
	c := hostmgr.Cadence{Min: 10 * second, Max: 60 * second, PerSecond: 20, Jitter: 0.3}
	o := newOrchestra(t, 1, c)
	for _, x := range []struct {
		hosts int
		rate  float64
	}{{50, 50 / 12.2}, {200, 200 / 12.2}, {400, 20}, {1000, 20}, {2000, 2000 / 51.0}} {
		o.enter(x.hosts-len(o.players), second)
		o.play(3 * time.Minute)
		rate := o.rate(5 * time.Minute)
		require.LessOrEqual(t, rate, x.rate*1.01, "%d hosts", x.hosts)
		require.Greater(t, rate, x.rate*0.93, "%d hosts", x.hosts)
	}
	require.GreaterOrEqual(t, o.least, c.Min)
	require.LessOrEqual(t, o.most, c.Max)
}

func TestWithoutJitterTheLeaseTellsTheIntervalItself(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{Min: second, Max: 6 * second, PerSecond: 1}})
	for i := range 10 {
		s.join(strconv.Itoa(i))
		s.clock.Advance(second) // they come one by one
	}
	lease, err := s.Heartbeat("9", 0)
	require.NoError(t, err)
	require.Equal(t, 6*second, lease.Interval)
	require.Equal(t, 6*second, s.Stats().Advised)
}

// Told 60, then 10, and that answer is lost: it still beats at 60.
func TestAHostIsJudgedByTheLongestThatItWasTold(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{Min: 10 * second, Max: 60 * second, PerSecond: 1}})
	for i := range 60 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 10 * second})
		s.after(second / 4)
	}
	lease, err := s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Greater(t, lease.Interval, 10*second, "some time between its own and what is advised")
	require.Less(t, lease.Interval, 60*second)
	lease, err = s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Equal(t, 60*second, lease.Interval)
	require.Equal(t, 60*second, s.get("0").Interval)
	for range 600 {
		for i := range 60 {
			s.beat(strconv.Itoa(i))
		}
		s.after(second)
	}
	for i := 1; i < 60; i++ {
		require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
	}
	s.after(0)
	require.Greater(t, s.Stats().Advised, 50*second, "not at once")
	for advised := s.Stats().Advised; advised > 10*second; advised = s.Stats().Advised {
		s.clock.Advance(second)
		s.beat("0")
		s.Sweep(context.Background())
		require.LessOrEqual(t, s.Stats().Advised, advised)
		least := advised.Seconds() * math.Exp2(-1/advised.Seconds()) * 63 / 64
		require.GreaterOrEqual(t, s.Stats().Advised.Seconds(), least, "no more than half in an interval")
	}
	lease, err = s.Heartbeat("0", 0)
	require.NoError(t, err)
	require.Equal(t, 10*second, lease.Interval)
	s.after(120 * second)
	require.False(t, s.gone("0"), "it beats at 60 still")
	s.beat("0")

	s.announce(hostmgr.Announcement[string]{ID: "0", Interval: 10 * second})
	require.Equal(t, 10*second, s.get("0").Interval)
	s.after(20*second + 1)
	require.True(t, s.gone("0"))
}

// Nobody looked for long, and then all leave at once.
func TestCadenceShrinksFromWhenTheyWereMany(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{Min: second, Max: time.Hour, PerSecond: 100}})
	for i := range 1000 {
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Hour})
	}
	s.after(0)
	s.clock.Advance(time.Minute)
	for i := range 1000 {
		require.NoError(t, s.Forget(strconv.Itoa(i), 0))
	}
	s.join("back")
	require.Equal(t, 10*second, s.Stats().Advised)
}

// Whatever becomes of the cluster and of answers, nobody is evicted who plays.
func TestCadenceEvictsNobody(t *testing.T) {
	for seed := range uint64(times(20, 1000)) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		least := time.Duration(1+rnd.IntN(20)) * second
		o := newOrchestra(t, seed, hostmgr.Cadence{
			Min: least, Max: least + time.Duration(rnd.IntN(100))*second,
			PerSecond: 1 + 20*rnd.Float64(), Jitter: 0.9 * rnd.Float64() * float64(rnd.IntN(2)),
		})
		o.lost = float64(rnd.IntN(3)) * 0.3
		for range 12 {
			switch rnd.IntN(5) {
			case 0:
				o.enter(rnd.IntN(300), time.Duration(rnd.Int64N(int64(20*second))))
			case 1: // half of them are lost
				for i := range o.players {
					o.players[i].gone = o.players[i].gone || rnd.IntN(2) == 0
				}
			case 2: // half of them leave
				for i := range o.players {
					if p := &o.players[i]; !p.gone && rnd.IntN(2) == 0 {
						p.gone = true
						_ = o.Leave(context.Background(), p.id, 0)
					}
				}
			case 3: // the registry starts anew, and is told of nobody, or of all
				before := o.script
				o.cfg.Clock = before.clock
				o.script = newScriptOn(t, before.clock, o.cfg)
				if rnd.IntN(2) == 0 {
					_, err := o.Restore(before.All())
					require.NoError(t, err)
				}
			}
			o.play(time.Duration(rnd.Int64N(int64(3 * time.Minute))))
		}
	}
}

// 100,000 hosts restart at once, and so does the registry, or not.
func TestWhatRestartsTogetherDoesNotBeatTogether(t *testing.T) {
	hosts := 100_000
	for i, c := range []hostmgr.Cadence{
		{Min: 10 * second, Max: 60 * second, PerSecond: 2000, Jitter: 0.1},
		{Min: 30 * second, Max: 300 * second, PerSecond: 5000, Jitter: 0.1},
		{Min: 10 * second, Max: 60 * second, PerSecond: 2000},
	} {
		o := newOrchestra(t, 3, c)
		o.enter(hosts, time.Duration(i%2)*second)
		interval := max(c.Min, time.Duration(float64(hosts)/c.PerSecond*float64(second)))
		o.play(interval)
		ratio := o.peakOverMean(4 * interval)
		t.Logf("%+v: peak over mean %.2f", c, ratio)
		require.LessOrEqual(t, ratio, 3.0)
	}
}

// peakOverMean compares the most signs of life in any tenth of a second of the time to come with
// the average.
func (o *orchestra) peakOverMean(d time.Duration) float64 {
	const tenth = 100 * time.Millisecond
	var all []time.Duration // in order
	peak, first := 0, 0     // of the tenth that ends with the latest
	o.heard = func(at time.Duration) {
		for all = append(all, at); at-all[first] >= tenth; {
			first++
		}
		peak = max(peak, len(all)-first)
	}
	o.play(d)
	return float64(peak) / (float64(len(all)) * tenth.Seconds() / d.Seconds())
}

// A host of the longest interval that is allowed is not judged by a longer one, which another
// registry would not take.
func TestCadenceRoundsNoIntervalBeyondWhatIsAllowed(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{PerSecond: 1}})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 24 * time.Hour})
	require.Equal(t, 24*time.Hour, s.get("a").Interval)
}

func TestACadenceThatCannotBeMeantIsAnError(t *testing.T) {
	for what, c := range map[string]hostmgr.Cadence{
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
		_, err := hostmgr.New(hostmgr.Config[string]{Cadence: c})
		require.ErrorIs(t, err, hostmgr.ErrInvalid, what)
	}
	s := newScript(t, hostmgr.Config[string]{Cadence: hostmgr.Cadence{PerSecond: 1e-9}})
	require.Equal(t, 30*second, s.join("a").Interval, "Min")
	require.Equal(t, 300*second, s.Stats().Advised, "Max is 10 times Min")
}
