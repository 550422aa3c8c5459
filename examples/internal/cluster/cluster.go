// Package cluster runs a scheduler and its peers as real processes, plays scenarios with
// them, and gives a verdict on each.
//
// It has two sources. Verdicts use the API where that is enough: ListHosts no longer
// lists the host, StatPeer says NotFound. The scheduler's log gives the evidence:
// deadlines, lags, and that there was exactly one cleanup.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/peerd"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

var errFailed = errors.New("some scenarios failed")

// Main is the command. Its first argument may name a role: so it starts itself as scheduler and as
// peers.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "scheduler":
			return role(schedulerd.Main)(ctx, args[1:], stdout, stderr)
		case "peer":
			return role(peerd.Main)(ctx, args[1:], stdout, stderr)
		}
	}
	cfg, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if !supported {
		return errors.New("this needs POSIX signals to stop and continue processes, which this system lacks; scheduler, peer and embed run here")
	}
	return run(ctx, cfg, stdout, stderr)
}

// role runs a command as a child of cluster. It exits when its parent is gone, which it sees by the end of
// stdin.
func role(main cli.Command) cli.Command {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		cli.EndWithStdin()
		return main(ctx, args, stdout, stderr)
	}
}

// A trial is one run through all scenarios.
type trial struct {
	cfg        Config
	ctx        context.Context // ends with a signal, or with a scheduler
	cancel     context.CancelCauseFunc
	timeline   *timeline
	log        *log
	procs      *procs
	engine     *engine // nil: the scheduler is on its own
	schedulers []*scheduler
	peers      []*proc // in order of their names, peer-1 first
}

func run(ctx context.Context, cfg Config, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := &trial{cfg: cfg, ctx: ctx, cancel: cancel, timeline: newTimeline(ctx, stdout), procs: newProcs(stderr)}
	t.log = newLog(t.timeline)
	defer t.procs.killAll()
	t.timeline.event("begin", "", "%s", cfg.plan())
	stop := t.timeline.nudge()
	if err := t.start(); err != nil {
		cancel(err)
	}
	var results []result
	if cfg.Serve {
		t.serve()
	} else {
		for _, s := range cfg.Scenarios {
			results = append(results, t.play(s))
		}
	}
	stop()
	if t.over() {
		t.timeline.final("interrupted", t.why())
	}
	t.procs.killAll()
	t.closeEngine()
	t.timeline.final("done", "no process of this run is left")
	if cfg.Serve {
		return t.failure()
	}
	return report(stdout, results, t.isShared(), cfg.JSON, t.ended())
}

// over tells whether the run has ended, by Ctrl-C or because the scheduler exited. Scenarios return then,
// because what they see from then on is not valid.
func (t *trial) over() bool { return t.ctx.Err() != nil }

// failure returns what ended the run, unless that was a signal.
func (t *trial) failure() error {
	if err := context.Cause(t.ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ended returns what ended the run, if it is over.
func (t *trial) ended() error {
	if t.over() && t.failure() == nil {
		return cli.ErrInterrupted
	}
	return t.failure()
}

// why says what ended the run.
func (t *trial) why() string { return t.ended().Error() }

// start starts the schedulers and the peers, and waits until all have joined.
func (t *trial) start() error {
	if t.isShared() {
		if err := t.openEngine(); err != nil {
			return err
		}
	}
	if err := t.startSchedulers(); err != nil {
		return err
	}
	for i := range t.cfg.Peers {
		p, err := t.startPeer(fmt.Sprintf("peer-%d", i+1), t.cfg.Interval, "-peers", fmt.Sprint(replicas), "-v")
		if err != nil {
			return err
		}
		t.peers = append(t.peers, p)
	}
	if err := t.joined(t.peers); err != nil {
		return err
	}
	t.calm()
	return nil
}

func (t *trial) startPeer(id string, interval time.Duration, more ...string) (*proc, error) {
	p, err := t.launchPeer(id, interval, more...)
	if err == nil {
		t.timeline.event("started", id, "pid %d", p.pid())
	}
	return p, err
}

// launchPeer starts a peer, without a line on the timeline.
func (t *trial) launchPeer(id string, interval time.Duration, more ...string) (*proc, error) {
	args := append([]string{"-scheduler", t.addresses(), "-id", id, "-interval", interval.String(),
		"-log", "json", "-idc", zone(id)}, more...)
	return t.procs.start("peer", id, args, t.log.read)
}

// zone returns the zone of a peer: one of three data centres.
func zone(id string) string {
	h := fnv.New32()
	_, _ = io.WriteString(h, id)
	return fmt.Sprintf("idc-%d", h.Sum32()%3+1)
}

// joined waits until all peers are listed and have logged that they registered their own peers.
func (t *trial) joined(ps []*proc) error {
	err := t.until(10*time.Second+t.cfg.Interval, func() bool {
		listed := t.list()
		for _, p := range ps {
			if !listed[p.id] || t.log.lastRegistered(p.id).Registration == "" {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("not every peer joined: %w", err)
	}
	return nil
}

// until polls cond until it is true, up to a limit.
func (t *trial) until(limit time.Duration, cond func() bool) error {
	return poll(t.ctx, 5*time.Millisecond, limit, cond)
}

func (t *trial) pause(d time.Duration) { _ = t.until(d, func() bool { return false }) }

var errTimeout = errors.New("nothing happened")

func poll(ctx context.Context, every, limit time.Duration, cond func() bool) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for end := time.Now().Add(limit); !cond(); {
		if !time.Now().Before(end) {
			return fmt.Errorf("%w for %v", errTimeout, limit)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
