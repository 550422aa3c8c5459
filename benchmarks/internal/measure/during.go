package measure

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// A sweep may be over before many heartbeats have come; then it is tried again, until there
// are enough for a percentile to mean something. If there are few because they had to
// wait, more tries would not bring many more.
const (
	enoughBeats = 5000
	enoughTime  = 50 * time.Millisecond
	mostTries   = 5
)

// during times the heartbeats of the tenth of all hosts that live, while a sweep evicts
// all others.
func (b *bench) during(p peers.Peer) error {
	if !b.wants("beat_p99_during_evict", "beat_max_during_evict") {
		return nil
	}
	var all histogram
	var longest, undisturbed []float64
	var swept time.Duration
	for try := 0; try < mostTries && all.n < min(enoughBeats, b.opt.N/10) && swept < enoughTime; try++ {
		var h *beatTimes
		var took time.Duration
		err := b.patiently(p, func(c pace) (err error) {
			h, took, err = b.massacre(p, c)
			return err
		})
		if err != nil {
			return err
		}
		all.merge(&h.histogram)
		swept += took
		longest = append(longest, float64(h.max)/1e3)
		undisturbed = append(undisturbed, float64(h.undisturbed)/1e3)
	}
	if b.wants("beat_p99_during_evict") {
		b.found.add("beat_p99_during_evict", p.Name, float64(all.quantile(0.99))/1e3)
	}
	if b.wants("beat_max_during_evict") {
		b.found.add("beat_max_during_evict", p.Name, median(longest))
		if _, known := switches(); known {
			b.found.add("beat_max_during_evict", p.Name+", on a processor", median(undisturbed))
		}
	}
	return nil
}

func (b *bench) massacre(p peers.Peer, c pace) (*beatTimes, time.Duration, error) {
	r := p.New(c.timeout())
	defer r.Close()
	d := b.populate(p, r, c)
	live := max(1, b.opt.N/10)
	alive, err := b.keepAlive(p, r, live, c, d)
	if err != nil {
		return nil, 0, err
	}
	b.step(p.Name, "heartbeats during an eviction")
	heartbeats := b.ids.beatsDuring(r, live)
	start := time.Now()
	heartbeats.from.Store(true)
	took, err := b.sweepOut(p, r, b.opt.N-live, live, start)
	heartbeats.until.Store(true)
	h := <-heartbeats.done
	switch {
	case time.Now().After(alive.Add(c.timeout() - c.grace)):
		return nil, 0, tardy{"evict"}
	case err == nil && heartbeats.refused > 0:
		err = errUnknown
	}
	return h, took, err
}

// keepAlive lets the live ones heartbeat once, just before the first host is due, and waits
// until all the others are. It returns when the live began to heartbeat.
func (b *bench) keepAlive(p peers.Peer, r peers.Registry, live int, c pace, d deadlines) (time.Time, error) {
	b.step(p.Name, "keeping a tenth alive")
	if err := b.wait(d.first.Add(-c.heartbeat/5 - c.slack/2)); err != nil {
		return time.Time{}, err
	}
	alive := time.Now()
	err := b.ids.beatAll(r, live)
	if time.Now().After(d.first) {
		return alive, tardy{"keep some alive"}
	}
	if err != nil {
		return alive, err
	}
	if !p.Unswept {
		d.last = d.last.Add(c.grace + time.Millisecond)
	}
	return alive, b.wait(d.last)
}

// beatTimes are how long heartbeats took, on a goroutine that keeps its thread.
type beatTimes struct {
	histogram
	undisturbed uint64 // the longest during which that thread had a processor
	switches    int64  // of that thread, as far as a heartbeat has shown them
}

// A heartbeat that another thread came in between takes as long as notable at least, and, unless
// it waited for more than that, no longer than a time slice.
const (
	notable = uint64(100 * time.Microsecond)
	slice   = uint64(10 * time.Millisecond)
)

func (t *beatTimes) note(took uint64) {
	t.add(took)
	if took > notable && took < slice {
		if n, _ := switches(); n != t.switches {
			t.switches = n
			return
		}
	}
	t.undisturbed = max(t.undisturbed, took)
}

// heartbeats are those of the live, on a goroutine of their own.
type heartbeats struct {
	from, until atomic.Bool
	refused     int // to be read when done
	done        chan *beatTimes
}

// beatsDuring lets the first live hosts heartbeat, from a random one on, as long as it is
// told to. Their ids are random, so they are all over the registry. Not one of them
// heartbeats earlier, for there are registries that evict when they are read.
func (d *ids) beatsDuring(r peers.Registry, live int) *heartbeats {
	s := &heartbeats{done: make(chan *beatTimes, 1)}
	running := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		h, at := &beatTimes{}, rand.IntN(live)
		h.switches, _ = switches()
		close(running)
		for !s.from.Load() {
			runtime.Gosched()
		}
		for h.n == 0 || !s.until.Load() {
			start := time.Now()
			if !r.Heartbeat(d.id(at % live)) {
				s.refused++
			}
			h.note(uint64(time.Since(start)))
			at++
		}
		s.done <- h
	}()
	<-running
	return s
}
