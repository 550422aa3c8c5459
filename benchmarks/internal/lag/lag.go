// Package lag measures, in real time, how long after its deadline a dead host is
// gone and cleaned up, and how much processor time the registry's Run takes for
// that.
package lag

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/hostmgr"
)

// No other library has a Run to compare with, but no Run can heartbeat a plain timer.
const (
	peer  = "hostlife"
	timer = "timer"
)

// A plan says what is to happen.
type plan struct {
	living, dying int
	interval      time.Duration
	multiple      float64 // timeout in intervals
}

func (p plan) timeout() time.Duration { return time.Duration(p.multiple * float64(p.interval)) }

// Measure keeps n hosts alive at the default interval of 30 s while 1,000 others
// die, each at a random moment of the first interval, and then keeps the n for one
// more interval, which is what Run's processor time is taken from. It takes two
// minutes.
func Measure(ctx context.Context, n int, log io.Writer) ([]report.Row, error) {
	return measure(ctx, plan{living: n, dying: 1000, interval: hostmgr.DefaultInterval, multiple: 2}, log)
}

func measure(ctx context.Context, p plan, log io.Writer) ([]report.Row, error) {
	t, err := newTrial(p, log)
	if err != nil {
		return nil, err
	}
	d := drive(ctx, t.hosts.Run)
	rows, err := t.play(ctx, d)
	if ended := d.stop(); ended != nil && err == nil {
		err = fmt.Errorf("lag: Run: %w", ended)
	}
	return rows, err
}

// play goes through the measurement while Run runs.
func (t *trial) play(ctx context.Context, d *driver) ([]report.Row, error) {
	if err := t.register(ctx); err != nil {
		return nil, err
	}
	t.phase = "hosts die"
	limit := t.interval + t.timeout() + 10*time.Second
	err := t.beatUntil(ctx, func() bool { return t.departed() >= t.dying || time.Since(t.began) > limit })
	if err != nil {
		return nil, err
	}
	t.phase = "all heartbeat"
	rows, err := t.steady(ctx, d)
	if err != nil {
		return nil, err
	}
	own, err := t.judge()
	if err != nil {
		return nil, err
	}
	return append(rows, own.rows(peer)...), nil
}

// steady is a whole interval: every page of the registry has its looks in it, which
// may well come all at once.
func (t *trial) steady(ctx context.Context, d *driver) (rows []report.Row, err error) {
	before, unknown := threadCPU(d.thread)
	stop, start := timers(), time.Now()
	err = t.beatUntil(ctx, func() bool { return time.Since(start) >= t.interval })
	rows = stop().rows(timer)
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		t.say("run_cpu is left out: %v", unknown)
		return rows, nil
	}
	after, err := threadCPU(d.thread)
	if err != nil {
		return nil, fmt.Errorf("lag: processor time of Run: %w", err)
	}
	return append(rows, report.Row{
		Measure: "run_cpu", Peer: peer, Value: micros(after-before) / time.Since(start).Seconds(), Unit: "us/s",
	}), nil
}
