// Package peerd is a process that is one or many hosts of a Dragonfly cluster.
package peerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// leaveLimit bounds all leaves together, and the calls in flight before them. A host that has not left
// by then is silent from then on.
const leaveLimit = 3 * time.Second

var errNoTime = fmt.Errorf("not all hosts could leave within %v", leaveLimit)

// A fleet is the hosts of this process, and what they share.
type fleet struct {
	cfg   Config
	lines []*line       // as many as Config.Connections says
	slots chan struct{} // one for each call in flight
	log   *slog.Logger

	warnings warnings
}

// Main is the command.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stdout)
	if err != nil {
		return err
	}
	log, flush, err := cli.Logger(cfg.Log, stderr)
	if err != nil {
		return err
	}
	defer flush()
	return Run(ctx, cfg, log)
}

// Run announces the hosts until ctx ends; then they leave.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	f := &fleet{cfg: cfg, slots: make(chan struct{}, concurrency), log: log}
	for range cfg.Connections {
		l, err := newLine(cfg.Scheduler, cfg.Interval)
		if err != nil {
			return err
		}
		defer l.close()
		f.lines = append(f.lines, l)
	}
	return f.run(ctx)
}

// dialOptions make gRPC reconnect within the interval. By default it waits up to two minutes, and a
// scheduler that restarts would lose every host. An attempt without an answer may take half of the
// interval, so that there is time for another one.
func dialOptions(interval time.Duration) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: interval / 16, Multiplier: 1.6, Jitter: 0.2, MaxDelay: interval / 4,
			},
			MinConnectTimeout: interval / 2,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true,
		}),
	}
}

// run spreads the hosts over the interval: the i-th of n has its phase at i/n, so that 10,000 hosts
// are not a burst once a second. A refused host ends alone. run returns an error at once only if
// all hosts are refused.
func (f *fleet) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	calls, cancel := outlive(ctx, leaveLimit)
	defer cancel()
	var g errgroup.Group
	start, refused := time.Now(), make([]error, f.cfg.Hosts)
	for i := range f.cfg.Hosts {
		phase := time.Duration(float64(f.cfg.Interval) * float64(i) / float64(f.cfg.Hosts))
		h := newHost(f, f.lines[i%len(f.lines)], f.cfg.HostID(i))
		g.Go(func() (err error) {
			refused[i], err = h.outcome(h.run(ctx, calls, start.Add(phase)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if slices.Contains(refused, nil) {
		return nil
	}
	return fmt.Errorf("no host is left: %w", refused[0])
}

// outcome tells a refusal from other errors, and logs it. Each host logs one at most.
func (h *host) outcome(err error) (refused, other error) {
	var r *refusal
	if !errors.As(err, &r) {
		return nil, err
	}
	h.log.Error("this host ends, the others go on", "host", h.id, "err", r.err)
	return r, nil
}

// outlive returns a context that ends so long after ctx. Calls use it. An announce that was canceled may
// still arrive after the leave that follows it, and the host would join again. So announces in flight are
// waited for.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		defer cancel()
		_ = wait(longer, time.Now().Add(by))
	})
	return longer, cancel
}
