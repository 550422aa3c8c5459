package sharing

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// A measure is one part of the program.
type measure struct {
	name    string
	about   string
	engines []string
	run     func(*bench) error
}

// measures are in the order in which they are made: each finds the fleet as the one before left it.
func measures() []measure {
	redis, both := []string{engine.Redis}, []string{engine.Redis, engine.Etcd}
	return []measure{
		{"heartbeat", "a heartbeat of a shared registry, in turns with one that is not shared", redis, (*bench).heartbeat},
		{"alone", "processes that share nothing, for comparison", redis, (*bench).alone},
		{"join", "all hosts join, and the memory of the engine", both, (*bench).join},
		{"steady", "each host makes its contacts at one member", both, (*bench).steady},
		{"changes", "500 changes of metadata a second", both, (*bench).changes},
		{"evictions", "hosts that crash one by one", both, (*bench).evictions},
		{"kill", "a member is killed, with some of its hosts", both, (*bench).kill},
		{"random", "each contact at a random member", both, (*bench).random},
		{"deaths", "a tenth of the hosts, and all hosts, die at one moment", redis, (*bench).deaths},
		{"snapshot", "a member begins", both, (*bench).snapshots},
		{"many", "a member begins, with many hosts", redis, (*bench).many},
		{"dragonfly", "the layout of Dragonfly's persistent cache, for each contact", redis, (*bench).dragonfly},
		{"publish", "each heartbeat published, with and without readers", redis, (*bench).publish},
	}
}

// Names are those of all measures.
func Names() (names []string) {
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// About returns a line for each measure.
func About() (lines []string) {
	for _, m := range measures() {
		lines = append(lines, fmt.Sprintf("%-10s %s", m.name, m.about))
	}
	return lines
}

// Run makes all measures, and returns the rows so far if it fails.
func Run(ctx context.Context, o Options, log *report.Progress) ([]Row, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	// Linux kills our children when the thread ends that started them: it must not end before we
	// do.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var rows []Row
	for _, kind := range o.Engines {
		b := &bench{Options: o, ctx: ctx, log: log, kind: kind, multiple: fixed}
		err := errors.Join(b.all(), b.stop())
		rows = append(rows, b.rows...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return rows, ctx.Err()
}

func (b *bench) all() error {
	for _, m := range measures() {
		if !slices.Contains(m.engines, b.kind) || len(b.Only) > 0 && !slices.Contains(b.Only, m.name) {
			continue
		}
		b.log.Step("%s: %s: %s", b.kind, m.name, m.about)
		b.measure = m.name
		if err := m.run(b); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// window begins to watch the machine.
func (b *bench) window() *machine.Window {
	return machine.Open(func() (pids []int) {
		if b.engine != nil {
			pids = append(pids, b.engine.PID())
		}
		for _, p := range b.members {
			pids = append(pids, p.PID())
		}
		return slices.DeleteFunc(pids, func(pid int) bool { return pid == 0 })
	})
}
