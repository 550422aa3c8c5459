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

// peer is who the rows are about. No other library has a Run to compare with.
const peer = "hostlife"

// A plan says what is to happen.
type plan struct {
	living, dying int
	interval      time.Duration
	multiple      float64 // patience in intervals
}

func (p plan) patience() time.Duration { return time.Duration(p.multiple * float64(p.interval)) }

// Measure keeps n hosts alive at Dragonfly's interval of 30 s while 1,000 others
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
	limit := t.interval + t.patience() + 10*time.Second
	err := t.beatUntil(ctx, func() bool { return t.departed() >= t.dying || time.Since(t.began) > limit })
	if err != nil {
		return nil, err
	}
	t.phase = "all beat"
	rows, err := t.runCPU(ctx, d)
	if err != nil {
		return nil, err
	}
	lags, err := t.judge()
	if err != nil {
		return nil, err
	}
	return append(rows,
		report.Row{Measure: "lag_p50", Peer: peer, Value: micros(lags.percentile(50)), Unit: "us"},
		report.Row{Measure: "lag_p99", Peer: peer, Value: micros(lags.percentile(99)), Unit: "us"},
		report.Row{Measure: "lag_max", Peer: peer, Value: micros(lags.percentile(100)), Unit: "us"},
	), nil
}

// runCPU takes the processor time of Run over a whole interval: every page of the
// registry has its looks in it, which may well come all at once.
func (t *trial) runCPU(ctx context.Context, d *driver) ([]report.Row, error) {
	before, err := threadCPU(d.thread)
	if err != nil {
		t.say("run_cpu is left out: %v", err)
		return nil, nil
	}
	start := time.Now()
	if err := t.beatUntil(ctx, func() bool { return time.Since(start) >= t.interval }); err != nil {
		return nil, err
	}
	after, err := threadCPU(d.thread)
	if err != nil {
		return nil, fmt.Errorf("lag: processor time of Run: %w", err)
	}
	return []report.Row{{
		Measure: "run_cpu", Peer: peer, Value: micros(after-before) / time.Since(start).Seconds(), Unit: "us/s",
	}}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
