package measure

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// alive measures all that can be measured while no host dies.
func (b *bench) alive(p peers.Peer) error {
	if !b.wants("beat_1", "beat_par", "beat_batch", "sweep_idle", "bytes_per_host", "objects_per_host",
		"gc_ms", "announce", "announce_again", "leave", "sample_16", "metadata", "range_metadata") {
		return nil
	}
	bytes, objects := heap()
	r := p.New(time.Hour)
	defer r.Close()
	if err := b.join(p, r); err != nil {
		return err
	}
	b.weigh(p, bytes, objects)
	for _, part := range []func(peers.Peer, peers.Registry) error{b.heartbeats, b.again, b.idle, b.sample, b.find, b.leave} {
		if err := part(p, r); err != nil || b.ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func (b *bench) join(p peers.Peer, r peers.Registry) error {
	b.step(p.Name, "announce")
	start := time.Now()
	b.ids.register(r)
	took := time.Since(start)
	if b.wants("announce") {
		b.found.add("announce", p.Name, perOp(took, b.opt.N))
	}
	return expect(r, b.opt.N, "after registering")
}

// weigh compares the heap with what it was before.
func (b *bench) weigh(p peers.Peer, bytesBefore, objectsBefore float64) {
	if b.wants("bytes_per_host", "objects_per_host") {
		b.step(p.Name, "live heap")
		bytes, objects := heap()
		n := float64(b.opt.N)
		if b.wants("bytes_per_host") {
			b.found.add("bytes_per_host", p.Name, (bytes-bytesBefore)/n)
		}
		if b.wants("objects_per_host") {
			b.found.add("objects_per_host", p.Name, max(0, objects-objectsBefore)/n)
		}
	}
	if b.wants("gc_ms") {
		b.step(p.Name, "garbage collection")
		b.found.add("gc_ms", p.Name, collect())
	}
}

// collect returns how long a forced garbage collection takes, in milliseconds.
func collect() float64 {
	var times []float64
	for range 5 {
		start := time.Now()
		runtime.GC()
		times = append(times, float64(time.Since(start))/1e6)
	}
	return median(times)
}

// runWarmUp is how long heartbeats go on under Run before they are measured.
const runWarmUp = 600 * time.Millisecond

// heartbeats are measured under the peer's driver, if it has one, and also without.
func (b *bench) heartbeats(p peers.Peer, r peers.Registry) error {
	d, ok := r.(peers.Runner)
	if !ok || !b.wants("beat_1", "beat_par", "beat_batch") {
		return b.beatsAs(p.Name, r, b.window()/8)
	}
	if err := b.beatsAs(p.Name+", by hand", r, b.window()/8); err != nil {
		return err
	}
	defer d.Run()()
	return b.beatsAs(p.Name, r, runWarmUp)
}

func (b *bench) beatsAs(name string, r peers.Registry, warmUp time.Duration) error {
	for _, m := range []struct {
		name      string
		heartbeat func(heartbeater, time.Duration) (float64, error)
	}{{"beat_1", b.ids.heartbeatFor}, {"beat_par", b.ids.beatPar}, {"beat_batch", b.ids.batchesFor}} {
		if !b.wants(m.name) {
			continue
		}
		b.step(name, m.name)
		if _, err := m.heartbeat(r, warmUp); err != nil {
			return err
		}
		rate, err := m.heartbeat(r, b.window())
		if err != nil {
			return err
		}
		b.found.add(m.name, name, 1/rate)
	}
	return nil
}

func (b *bench) again(p peers.Peer, r peers.Registry) error {
	if !b.wants("announce_again") {
		return nil
	}
	b.step(p.Name, "announce_again")
	first, count := rand.IntN(b.opt.N), min(b.opt.N, 500_000)
	start := time.Now()
	for k := range count {
		i := (first + k) % b.opt.N
		r.Announce(b.ids.id(i), b.ids.meta(i))
	}
	b.found.add("announce_again", p.Name, perOp(time.Since(start), count))
	return expect(r, b.opt.N, "after refreshing")
}

func (b *bench) idle(p peers.Peer, r peers.Registry) error {
	if !b.wants("sweep_idle") || p.Unswept {
		return nil
	}
	b.step(p.Name, "sweep_idle")
	evicted := 0
	us := b.repeat(func() { evicted += r.Sweep() })
	if evicted > 0 {
		return fmt.Errorf("%d live hosts were evicted", evicted)
	}
	b.found.add("sweep_idle", p.Name, us)
	return expect(r, b.opt.N, "after idle sweeps")
}

func (b *bench) sample(p peers.Peer, r peers.Registry) error {
	s, ok := r.(peers.Sampler)
	if !ok || !b.wants("sample_16") {
		return nil
	}
	b.step(p.Name, "sample_16")
	want, got := min(16, b.opt.N), 0
	us := b.repeat(func() { got = s.Sample(16) })
	if got != want {
		return fmt.Errorf("a sample of %d hosts, not %d", got, want)
	}
	b.found.add("sample_16", p.Name, us)
	return nil
}

// repeat is the median time that do takes, in microseconds.
func (b *bench) repeat(do func()) float64 {
	var times []float64
	for began := time.Now(); len(times) < 3 || time.Since(began) < b.window()/2; {
		start := time.Now()
		do()
		times = append(times, float64(time.Since(start))/1e3)
	}
	return median(times)
}

func (b *bench) leave(p peers.Peer, r peers.Registry) error {
	if !b.wants("leave") {
		return nil
	}
	b.step(p.Name, "leave")
	start := time.Now()
	for i := range b.opt.N {
		if !r.Leave(b.ids.id(i)) {
			return fmt.Errorf("a leave of a known host was refused")
		}
	}
	b.found.add("leave", p.Name, perOp(time.Since(start), b.opt.N))
	return expect(r, 0, "after all left")
}
