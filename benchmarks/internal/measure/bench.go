package measure

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// Options say what to measure.
type Options struct {
	N        int
	Rounds   int
	Measures []string
	Peers    []peers.Peer
	Brief    bool // repeat what is short for a tenth of a second, not four
	// Took, if not nil, is called with the duration of each visit to a peer.
	Took func(peer string, d time.Duration)
}

// Run measures, the peers taking turns in each round so that a machine that gets
// slower does so for all of them, and returns medians. Only one registry is there at
// a time. A failure is an error in addition to the figures of the others.
func Run(ctx context.Context, opt Options, progress *report.Progress) ([]report.Row, error) {
	if !slices.ContainsFunc(All, func(m Measure) bool { return slices.Contains(opt.Measures, m.Measure) }) {
		return nil, nil
	}
	progress.Step("making %d ids", opt.N)
	b := &bench{ctx: ctx, opt: opt, ids: newIDs(opt.N), found: &figures{found: map[report.Row][]float64{}},
		progress: progress, paces: map[string]pace{}, failed: map[string]error{}}
	for b.round = 1; b.round <= opt.Rounds; b.round++ {
		if b.wants("limits") {
			b.limits()
		}
		for _, p := range opt.Peers {
			b.visit(p, b.calibrate, b.alive)
			if !p.Stains {
				b.visit(p, b.death, b.during)
			}
		}
	}
	b.lastly()
	return b.found.rows(), b.err()
}

type bench struct {
	ctx      context.Context
	opt      Options
	ids      *ids
	round    int
	found    *figures
	progress *report.Progress
	paces    map[string]pace
	failed   map[string]error // by peer
}

func (b *bench) wants(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(b.opt.Measures, n) })
}

func (b *bench) step(peer, what string) {
	if peer != "" {
		peer += ", "
	}
	b.progress.Step("round %d of %d: %s%s", b.round, b.opt.Rounds, peer, what)
}

// lastly come the mass deaths of those whose remains would be in the others' way.
func (b *bench) lastly() {
	for b.round = 1; b.round <= b.opt.Rounds; b.round++ {
		for _, p := range b.opt.Peers {
			if p.Stains && b.bearable(p) {
				b.visit(p, b.death, b.during)
			}
		}
	}
}

// bearable is whether the memory suffices for all timers to fire at once, each on a
// goroutine with a stack of its own.
func (b *bench) bearable(p peers.Peer) bool {
	const most = 3_000_000
	if b.opt.N > most {
		b.progress.Note("%s: no mass death of more than %d hosts: it might not fit into memory", p.Name, most)
	}
	return b.opt.N <= most
}

// visit has one peer do what is wanted of it. A peer that failed is left alone.
func (b *bench) visit(p peers.Peer, parts ...func(peers.Peer) error) {
	if b.opt.Took != nil {
		began := time.Now()
		defer func() { b.opt.Took(p.Name, time.Since(began)) }()
	}
	for _, part := range parts {
		if b.failed[p.Name] != nil || b.ctx.Err() != nil {
			return
		}
		if err := part(p); err != nil {
			b.failed[p.Name] = fmt.Errorf("%s: %w", p.Name, err)
			b.progress.Note("%v", b.failed[p.Name])
		}
	}
}

func (b *bench) err() error {
	if err := b.ctx.Err(); err != nil {
		return context.Cause(b.ctx)
	}
	var errs []error
	for _, p := range b.opt.Peers {
		errs = append(errs, b.failed[p.Name])
	}
	return errors.Join(errs...)
}

// window is how long what takes no time is repeated.
func (b *bench) window() time.Duration {
	if b.opt.Brief {
		return 100 * time.Millisecond
	}
	return 400 * time.Millisecond
}

// awake is how long a processor works before what is measured once begins.
const awake = 20 * time.Millisecond

// wait passes the time until t, and the last of it awake: what comes then should not have
// to wait for a processor that slept for seconds.
func (b *bench) wait(t time.Time) error {
	timer := time.NewTimer(time.Until(t) - awake)
	defer timer.Stop()
	select {
	case <-timer.C:
		for time.Now().Before(t) {
		}
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// expect says what is wrong if a registry does not hold as many hosts as it should.
func expect(r peers.Registry, n int, when string) error {
	if got := r.Len(); got != n {
		return fmt.Errorf("%d hosts %s, not %d", got, when, n)
	}
	return nil
}

// liveBytes is what the last collection left, and what came since.
func liveBytes() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// heap is what is live on it.
func heap() (bytes, objects float64) {
	runtime.GC()
	runtime.GC() // what was finalized by the first is freed by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.HeapObjects)
}
