package hostmgr

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// A Cadence is the interval that a registry advises its hosts, in the Lease that answers
// each Announce and Heartbeat: short while they are few, longer as they become many. The
// zero Cadence advises nothing, and leaves every host the interval that it named.
//
// It grows with each host that joins. It shrinks by half a second in each second, and so by half
// in one interval, however long that is, so that hosts that were cut off, and come back, find room. A host that is told of a longer
// interval than it had is told some time between Min and that at first, and one that joins in a
// crowd (more than a twentieth of PerSecond in a second) some time between Min and the longer
// of the advised interval and 2 x Min (but Max at most): so what restarted together does not
// beat together. Where Max is below 2 x Min there is less room for that, and Jitter has to do
// the rest, over many intervals.
//
// A host is judged by the longest interval of what it last announced and of all that it may
// have been told since, to the next of 64 steps that each doubling has. So changes evict
// nobody, even if the answer is lost: a host that still beats at the interval that it had
// is heard in time. A Heartbeat says nothing of the interval that its host uses; so one that
// was told of a shorter interval is judged by it from its next Announce on, which names it.
// (Nomad's heartbeats scale with the cluster likewise: see max_heartbeats_per_second there.)
type Cadence struct {
	// Min and Max bound the interval, from 10 ms to 24 h. Zero means 30 s, and 10 times
	// Min (but 24 h at most).
	Min, Max time.Duration
	// PerSecond is how many signs of life a second all hosts are to send together. Max goes
	// before it: above Max x PerSecond hosts they are more. It is above zero, save in the
	// zero Cadence.
	PerSecond float64
	// Jitter is by what share of it an interval that is told may be shorter than the one
	// advised, at random, so that hosts drift apart; from 0, which is none, to below 1.
	// The average keeps to PerSecond.
	Jitter float64
}

func (c Cadence) on() bool { return c != Cadence{} }

func (c Cadence) withDefaults() (Cadence, error) {
	given := c
	if c.Min == 0 {
		c.Min = DefaultInterval
	}
	if c.Max == 0 {
		c.Max = min(10*max(0, min(c.Min, maxInterval)), maxInterval)
	}
	what := ""
	switch p, j := c.PerSecond, c.Jitter; {
	case c.Min < minInterval || c.Min > maxInterval || c.Max > maxInterval:
		what = fmt.Sprintf("Min and Max are not between %v and %v", minInterval, maxInterval)
	case c.Max < c.Min:
		what = fmt.Sprintf("Max %v is below Min %v", c.Max, c.Min)
	case math.IsNaN(p) || math.IsInf(p, 0) || p <= 0:
		what = "PerSecond is not a finite number above 0"
	case math.IsNaN(j) || j < 0 || j >= 1:
		what = "Jitter is not at least 0 and below 1"
	default:
		return c, nil
	}
	return c, fmt.Errorf("%w: Cadence{Min: %v, Max: %v, PerSecond: %v, Jitter: %v}: %s",
		ErrInvalid, given.Min, given.Max, given.PerSecond, given.Jitter, what)
}

// target is the interval for so many hosts: one that Jitter does not make shorter than Min.
func (c Cadence) target(hosts int) time.Duration {
	least := c.Min.Seconds() / (1 - c.Jitter)
	switch seconds := max(float64(hosts)/c.PerSecond/(1-c.Jitter/2), least); {
	case seconds >= c.Max.Seconds():
		return c.Max
	case seconds == least:
		return time.Duration(math.Round(least * 1e9))
	default:
		return min(c.Max, steps(time.Duration(math.Round(seconds*1e9))))
	}
}

// steps rounds an interval up to one of 64 between each power of two (of seconds) and the
// next: so there are few that hosts are judged by, and whole seconds up to 64 are among them.
func steps(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	step := math.Ldexp(float64(time.Second)/64, math.Ilogb(d.Seconds()))
	return time.Duration(math.Ceil(float64(d)/step) * step)
}

// A metronome is a registry's Cadence at work; nil if it has none. Heartbeats read the
// interval without a lock. One that is told what was advised a moment ago is judged by no
// less: whatever it may be told is compared with what it is judged by first.
type metronome struct {
	Cadence
	first uint64               // the number before the registry's first life
	pace  atomic.Pointer[pace] // of what hosts may be told
	crowd atomic.Int64         // until when joins are many, if no more come

	// Guarded by Registry.mu, as are changes of pace and crowd.
	joins window
}

// A pace is an interval that shrinks to another one, by half of the time that passes. It is a
// function of time: how often a pace is looked at, or replaced by one that shrinks further, makes no
// difference. It never changes.
type pace struct {
	from, to time.Duration
	since    int64 // when it was from
}

func (p *pace) at(now int64) time.Duration {
	return max(p.to, p.from-time.Duration(max(0, now-p.since)/2))
}

func newMetronome(c Cadence) *metronome {
	if !c.on() {
		return nil
	}
	m := &metronome{Cadence: c}
	m.begin(pace{from: m.target(0), to: m.target(0)})
	return m
}

// joined counts a join. The caller holds Registry.mu, as that of keep does.
func (m *metronome) joined(hosts int, now int64) {
	if m == nil {
		return
	}
	m.joins.add(now, time.Second)
	m.keep(hosts, now)
}

// keep keeps the interval to the number of hosts.
func (m *metronome) keep(hosts int, now int64) {
	if m == nil {
		return
	}
	target, p := m.target(hosts), m.pace.Load()
	switch had := p.at(now); {
	case target >= had:
		m.begin(pace{from: target, to: target})
	case had == p.to: // it begins to shrink
		m.begin(pace{from: had, to: target, since: now})
	default:
		m.begin(pace{from: p.from, to: target, since: p.since})
	}
	until := int64(0)
	if float64(m.joins.sum(now, time.Second)) > max(1, m.PerSecond/20) {
		until = now + int64(time.Second)
	}
	m.crowd.Store(until)
}

func (m *metronome) begin(p pace) {
	if old := m.pace.Load(); old == nil || *old != p {
		fresh := p // so that one that changes nothing is not allocated
		m.pace.Store(&fresh)
	}
}

// interval is what hosts may be told at most; 0 means nothing.
func (m *metronome) interval(now int64) time.Duration {
	if m == nil {
		return 0
	}
	return m.pace.Load().at(now)
}

// welcome is what a host may be told that joins, and what it is taken to have had.
func (m *metronome) welcome(now int64) (had, most time.Duration) {
	most = m.interval(now)
	if m != nil && now < m.crowd.Load() {
		return m.Min, max(most, min(2*m.Min, m.Max))
	}
	return most, most
}

// judged is what a host is judged by that names an interval, and may be told another.
func (m *metronome) judged(said, told time.Duration) time.Duration {
	if m == nil {
		return said
	}
	return min(steps(max(said, told)), maxInterval)
}

// tell draws the interval that a lease tells: up to most, and no less than Jitter allows, or,
// if the host had a shorter one, than Min.
func (m *metronome) tell(lease Lease, had, most time.Duration, now int64) Lease {
	if m == nil {
		return lease
	}
	least := m.Min
	if had >= most {
		least = max(least, most-time.Duration(float64(most)*m.Jitter))
	}
	least = min(least, most)
	lease.Interval = least + time.Duration(draw(lease.Life-m.first, now)*float64(most-least))
	return lease
}

// draw is a number from 0 to below 1 that looks random: SplitMix64's (Steele, Lea, Flood
// 2014), so that it needs no state, and a test is told the same again.
func draw(life uint64, now int64) float64 {
	x := life*0x9e3779b97f4a7c15 + uint64(now)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
