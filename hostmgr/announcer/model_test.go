package announcer

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

var errLost = errors.New("lost")

// A fleet is a number of hosts in virtual time, each with a core, and a real registry. What a
// session does with goroutines is done by events here.
type fleet struct {
	t        testing.TB
	rnd      *rand.Rand
	interval time.Duration
	registry *hostmgr.Registry[string]
	hosts    []*modelHost
	events   eventHeap
	at       int64
	sweepAt  int64
	down     bool          // the registry gets nothing
	service  time.Duration // of the registry, for each attempt; they wait in a queue
	busy     int64         // until the queue is empty

	// The network.
	loss       float64
	hangs      func() bool // a lost attempt hangs until its limit; otherwise it fails at once
	loseAnswer float64     // share of the lost attempts that reach the registry
	delay      func() time.Duration
	pauses     float64 // of a host's process, for each event of it
	longPause  time.Duration

	evicted  int
	attempts uint64
	contacts uint64 // accepted ones
	longest  time.Duration
	most     int // attempts for one contact
}

type modelHost struct {
	*core
	id          string
	wakeAt      int64
	planned     int64
	gone        bool
	pausedUntil int64
	heard       int64 // by the registry
	tries       int   // since then
}

type eventKind uint8

const (
	wakes eventKind = iota
	arrives
	returns
)

type event struct {
	at   int64
	host *modelHost
	kind eventKind
	a    attempt
	out  outcome
	lose bool // the answer
}

type eventHeap []*event

func (h eventHeap) Len() int           { return len(h) }
func (h eventHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h eventHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)        { *h = append(*h, x.(*event)) }
func (h *eventHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

var modelStart = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// The clock of the registry.
func (f *fleet) Now() time.Time                     { return modelStart.Add(time.Duration(f.at)) }
func (f *fleet) Since(t time.Time) time.Duration    { return f.Now().Sub(t) }
func (*fleet) After(time.Duration) <-chan time.Time { return nil }
func (f *fleet) push(e event)                       { heap.Push(&f.events, &e) }
func (f *fleet) in(most time.Duration) (at int64)   { return f.at + f.rnd.Int64N(int64(most)+1) }
func (f *fleet) probably(p float64) bool            { return p > 0 && f.rnd.Float64() < p }
func atMost(d time.Duration, r *rand.Rand) time.Duration {
	return time.Duration(r.Int64N(int64(d) + 1))
}

func newFleet(t testing.TB, seed uint64, n int, cfg hostmgr.Config[string]) *fleet {
	f := &fleet{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), interval: 30 * time.Second}
	f.hangs = func() bool { return f.probably(0.5) }
	f.delay = func() time.Duration { return atMost(50*time.Millisecond, f.rnd) }
	f.start(cfg)
	quiet := slog.New(slog.DiscardHandler)
	for i := range n {
		h := &modelHost{id: "host-" + strconv.Itoa(i), wakeAt: never}
		h.core = newCore(rand.New(rand.NewPCG(seed, uint64(i))), f.interval, 1, true, quiet)
		f.hosts = append(f.hosts, h)
		f.plan(h)
	}
	return f
}

// start starts a registry, for the first time or again.
func (f *fleet) start(cfg hostmgr.Config[string]) {
	cfg.Clock = f
	r, err := hostmgr.New(cfg)
	require.NoError(f.t, err)
	f.registry, f.sweepAt = r, never
}

// plan schedules the next wake of a host.
func (f *fleet) plan(h *modelHost) {
	if at := max(f.at, h.nextAttempt()); at != h.wakeAt && h.nextAttempt() < never {
		h.wakeAt = at
		f.push(event{at: at, host: h, kind: wakes})
	}
	h.planned = min(h.nextAttempt(), f.at+int64(nap(h.interval)))
}

// run runs the fleet for a time.
func (f *fleet) run(d time.Duration) {
	for end := f.at + int64(d); len(f.events) > 0; {
		if f.sweepAt <= f.events[0].at && f.sweepAt <= end {
			f.at = max(f.at, f.sweepAt)
			f.sweep()
			continue
		}
		if f.events[0].at > end {
			f.at = end
			return
		}
		e := heap.Pop(&f.events).(*event)
		f.at = e.at
		f.handle(e)
	}
}

func (f *fleet) sweep() {
	report := f.registry.Sweep(context.Background())
	f.evicted += report.Evicted
	f.planSweep()
}

func (f *fleet) planSweep() {
	next, ok := f.registry.Next()
	if f.sweepAt = never; ok {
		f.sweepAt = int64(next.Sub(modelStart))
	}
}

func (f *fleet) handle(e *event) {
	h := e.host
	switch {
	case h.gone:
		return
	case e.kind == arrives:
		f.arrive(e)
		return
	}
	if e.kind == wakes && e.at != h.wakeAt {
		return // it was planned again
	}
	if h.pausedUntil > f.at {
		e.at = h.pausedUntil
		if e.kind == wakes {
			h.wakeAt = e.at
		}
		f.push(*e)
		return
	}
	if h.pausedUntil == f.at && h.isPause(h.planned, f.at) { // before the next pause begins
		h.paused()
	}
	if f.probably(f.pauses) {
		h.pausedUntil = f.in(f.longPause)
	}
	if e.kind == returns {
		h.end(e.a, e.out, f.at)
	}
	for h.nextAttempt() <= f.at {
		f.attempt(h)
	}
	f.plan(h)
}

// attempt lets an attempt begin.
func (f *fleet) attempt(h *modelHost) {
	f.attempts++
	h.tries++
	e := event{host: h, a: h.begin(f.at)}
	lost := f.down || f.probably(f.loss)
	if lost && !f.probably(f.loseAnswer) {
		e.kind, e.at, e.out = returns, f.at, outcome{err: errLost}
		if f.hangs() {
			e.at = e.a.limit
		} else {
			e.at += int64(time.Millisecond)
		}
	} else {
		e.kind, e.at, e.lose = arrives, f.at+int64(f.delay()), lost
	}
	f.push(e)
}

// arrive lets an attempt reach the registry.
func (f *fleet) arrive(e *event) {
	h := e.host
	var ack hostmgr.Ack
	var err error
	if e.a.heartbeat {
		ack, err = f.registry.Heartbeat(h.id, e.a.incarnation)
	} else {
		ack, err = f.registry.Announce(hostmgr.Announcement[string]{ID: h.id, Interval: e.a.interval, Incarnation: e.a.incarnation})
		f.planSweep()
	}
	if err == nil {
		f.contacts++
		if h.heard > 0 {
			f.longest = max(f.longest, time.Duration(f.at-h.heard))
		}
		f.most = max(f.most, h.tries)
		h.heard, h.tries = f.at, 0
	}
	e.kind, e.out = returns, outcome{ack: ack, err: err}
	if err != nil {
		e.out.action = Classify(err)
	}
	f.busy = max(f.busy, f.at) + int64(f.service)
	if e.at = f.busy + int64(f.delay()); e.lose || e.at > e.a.limit {
		e.at, e.out = e.a.limit, outcome{err: errLost}
	}
	f.push(*e)
}

func (f *fleet) report(seed uint64) {
	f.t.Logf("seed %d: %v, %d attempts, %d contacts, %d evicted, longest silence %v, most attempts for a contact %d",
		seed, time.Duration(f.at), f.attempts, f.contacts, f.evicted, f.longest, f.most)
}
