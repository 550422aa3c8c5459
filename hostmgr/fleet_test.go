package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// tick is the unit of the times of heartbeats and sweeps; freezes begin and end at any time.
const tick = 10 * time.Millisecond

// A fleet is thousands of hosts that send heartbeats at their intervals until some crash, and a
// registry that is swept periodically, except in pauses. It fails the test as soon as a live host
// is evicted, or a crashed host is evicted too late.
type fleet struct {
	*script
	rnd       *rand.Rand
	policy    hostmgr.Policy
	threshold time.Duration
	period    time.Duration // of sweeps
	now       time.Duration // real time
	swept     time.Duration
	gaps      [][2]time.Duration // between sweeps that were longer than usual
	stalls    int                // of them, those longer than the stall threshold
	hosts     []simHost
	calendar  [][]int32 // the next heartbeats, by tick, as a ring
	crashes   int
	found     int
}

type simHost struct {
	id       string
	interval time.Duration
	next     time.Duration // heartbeat
	contact  time.Duration
	crashed  time.Duration
	gone     bool
}

const alive = time.Duration(1<<63 - 1)

var fleetIntervals = []time.Duration{2 * second, 3 * second, 5 * second, 10 * second, 20 * second}

func newFleet(t *testing.T, seed uint64, hosts int) *fleet {
	w := &fleet{rnd: rand.New(rand.NewPCG(seed, 4)), calendar: make([][]int32, 20*second/tick+2)}
	w.policy = []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.Tiered{Jitter: 5 * second, Offline: 20 * second}}[seed%2]
	w.threshold = []time.Duration{second / 2, second, 2 * second}[w.rnd.IntN(3)]
	w.period = time.Duration(1+w.rnd.Int64N(int64(w.threshold/tick/2))) * tick
	w.script = newScript(t, hostmgr.Config[string]{Policy: w.policy, StallThreshold: w.threshold, Cleanup: w.cleanup})
	w.hosts = make([]simHost, hosts)
	for i := range w.hosts {
		p := &w.hosts[i]
		*p = simHost{id: strconv.Itoa(i), crashed: alive, interval: fleetIntervals[w.rnd.IntN(len(fleetIntervals))]}
		w.announce(hostmgr.Announcement[string]{ID: p.id, Interval: p.interval})
		w.plan(i, p.interval)
	}
	return w
}

// plan sets the next heartbeat of a host: in at most d, or at the next tick.
func (w *fleet) plan(i int, d time.Duration) {
	p, earliest := &w.hosts[i], w.now/tick+1
	p.next = (earliest + time.Duration(w.rnd.Int64N(max(0, int64((w.now+d)/tick-earliest))+1))) * tick
	w.enter(i)
}

// resume plans the next heartbeat of a host whose heartbeats were lost: at the latest an interval
// after the last lost one.
func (w *fleet) resume(i int) {
	p := &w.hosts[i]
	last := p.next
	if w.now-last >= p.interval { // there was another heartbeat
		last = w.now - time.Duration(w.rnd.Int64N(int64(p.interval)))
	}
	w.plan(i, last+p.interval-w.now)
}

func (w *fleet) enter(i int) {
	day := &w.calendar[w.hosts[i].next/tick%time.Duration(len(w.calendar))]
	*day = append(*day, int32(i))
}

func (w *fleet) move(to time.Duration) {
	w.clock.Advance(to - w.now)
	w.now = to
}

// pass lets time pass. There is no sweep meanwhile if the driver is starved.
func (w *fleet) pass(d time.Duration, starved bool) {
	end := w.now + d
	for at := w.now/tick*tick + tick; at <= end; at += tick {
		w.move(at)
		due := !starved && w.now-w.swept >= w.period
		first := w.rnd.IntN(2) == 0
		if due && first {
			w.sweep()
		}
		w.heartbeats()
		if due && !first {
			w.sweep()
		}
	}
	w.move(end)
}

func (w *fleet) heartbeats() {
	today := w.now / tick % time.Duration(len(w.calendar))
	todays := w.calendar[today]
	w.calendar[today] = nil
	for _, i := range todays {
		p := &w.hosts[i]
		if p.next != w.now || p.crashed <= w.now {
			continue // its heartbeat is at another time, or it crashed
		}
		w.touch(p)
		if w.rnd.IntN(2) == 0 {
			p.next += p.interval // exactly one interval later
			w.enter(int(i))
		} else {
			w.plan(int(i), p.interval)
		}
	}
	if w.calendar[today] == nil {
		w.calendar[today] = todays[:0]
	}
}

func (w *fleet) touch(p *simHost) {
	if _, err := w.Heartbeat(p.id, 0); err != nil && !p.gone {
		w.t.Fatalf("%s: %v", p.id, err)
	}
	p.contact = w.now
}

func (w *fleet) sweep() {
	if w.now-w.swept > w.period+tick {
		w.gaps = append(w.gaps, [2]time.Duration{w.swept, w.now})
	}
	if w.now-w.swept > w.threshold {
		w.stalls++
	}
	w.swept = w.now
	w.Sweep(context.Background())
}

func (w *fleet) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	i, _ := strconv.Atoi(d.Host.ID)
	p := &w.hosts[i]
	p.gone = true
	w.found++
	if p.crashed > w.now || w.now-p.contact <= d.Timeout {
		w.t.Fatalf("a live host was evicted: %+v, %+v, now %v, gaps %v", d, *p, w.now, w.gaps)
	}
	if latest := w.latest(p, d.Timeout); w.now > latest {
		w.t.Fatalf("found %v too late: %+v, %+v, now %v, gaps %v", w.now-latest, d, *p, w.now, w.gaps)
	}
	return nil
}

// latest returns the time by which a crashed host must have been evicted: one period of sweeps
// after its deadline plus all pauses since its last contact, or after the grace of the last pause.
func (w *fleet) latest(p *simHost, timeout time.Duration) time.Duration {
	deadline, grace := p.contact+timeout, time.Duration(0)
	for _, g := range w.gaps {
		deadline += max(0, g[1]-max(g[0], p.contact))
		if g[1]-g[0] > w.threshold {
			grace = g[1] + p.interval + w.threshold
		}
	}
	return max(deadline, grace) + w.period + tick
}

// freeze stops the process. The heartbeats of the meantime are lost, or all come at the end of the
// freeze, before or after the sweep that finds the stall.
func (w *fleet) freeze(d time.Duration) {
	end, fate := w.now+d, w.rnd.IntN(3)
	var late []*simHost
	w.move(end)
	for i := range w.hosts {
		p := &w.hosts[i]
		if p.next > end {
			continue
		}
		if p.next < p.crashed {
			late = append(late, p)
		}
		w.resume(i)
	}
	for _, step := range [][]int{{0, 3}, {1, 0, 3}, {0, 1, 3}}[fate] {
		switch step {
		case 0:
			w.sweep()
		case 1:
			for _, p := range late {
				w.touch(p)
			}
		}
	}
}

// A pause is one stall: its kind, and when it begins.
type pause struct {
	after, length time.Duration
	starved       bool // heartbeats arrive, but there is no sweep
}

// pauses returns up to three pauses: with more in a row, live hosts may use up twice their timeout.
// It returns only one if that may be a normal gap, which counts as silence.
func (w *fleet) pauses() (all []pause) {
	for range 1 + w.rnd.IntN(3) {
		p := pause{after: time.Duration(w.rnd.Int64N(int64(30 * second)))}
		lengths := []time.Duration{
			second, 10 * second, time.Minute, 10 * time.Minute, time.Hour,
			time.Duration(w.rnd.Int64N(int64(2 * time.Minute))), time.Duration(w.rnd.Int64N(int64(5 * second))),
		}
		p.length = lengths[w.rnd.IntN(len(lengths))]
		p.starved = p.length <= time.Minute && w.rnd.IntN(4) == 0
		if p.length <= w.threshold {
			return []pause{p}
		}
		all = append(all, p)
	}
	return all
}

// crash lets n hosts crash: in the pauses, between them, and after them.
func (w *fleet) crash(n int, pauses []pause) {
	for _, i := range w.rnd.Perm(len(w.hosts))[:n] {
		var from, length time.Duration
		for _, p := range pauses[:w.rnd.IntN(len(pauses)+1)] {
			from += p.after + p.length
			length = p.length
		}
		if from == 0 || w.rnd.IntN(2) == 0 {
			length = -30 * second // not in that pause, but after it
		}
		w.hosts[i].crashed = from - time.Duration(w.rnd.Float64()*float64(length))
	}
	w.crashes = n
}

// delayedHeartbeats is a freeze whose heartbeats all come at its end.
func (w *fleet) delayedHeartbeats(d time.Duration) {
	from := w.now
	w.move(from + d)
	for i := range w.hosts {
		if p := &w.hosts[i]; p.next <= w.now {
			if p.next < p.crashed {
				w.touch(p)
			}
			w.resume(i)
		}
	}
	w.sweep()
}
