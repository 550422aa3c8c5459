// Package peerd is a process that is one or many hosts of a Dragonfly cluster.
package peerd

import (
	"context"
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
	"github.com/hostlife/hostlife/examples/internal/history"
)

// leaveLimit bounds the leave of each host, and so that of all. A host that has not left by then is
// silent from then on.
const leaveLimit = 3 * time.Second

// A fleet is the hosts of this process, and what they share.
type fleet struct {
	cfg     Config
	lines   [][]*line     // to each scheduler, as many as Config.Connections says
	slots   chan struct{} // one for each call in flight
	log     *slog.Logger
	hostLog *slog.Logger // of the announcers
	history *history.Log // nil: none
	calls   context.Context

	warnings cli.Thinner // failures of all hosts
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
	f := &fleet{cfg: cfg, slots: make(chan struct{}, concurrency), log: log, hostLog: log}
	if !cfg.Verbose {
		f.hostLog = slog.New(severe{log.Handler()})
	}
	if err := f.openHistory(); err != nil {
		return err
	}
	defer func() { _ = f.history.Close() }()
	var cancel context.CancelFunc
	f.calls, cancel = outlive(ctx, leaveLimit)
	defer cancel()
	defer f.close()
	for _, scheduler := range cfg.schedulers() {
		if err := f.dial(scheduler); err != nil {
			return err
		}
	}
	return f.run(ctx)
}

// dial makes the connections to one scheduler.
func (f *fleet) dial(scheduler string) error {
	var lines []*line
	for range f.cfg.Connections {
		l, err := newLine(scheduler, f.cfg.Interval)
		if err != nil {
			return err
		}
		lines = append(lines, l)
	}
	f.lines = append(f.lines, lines)
	return nil
}

func (f *fleet) close() {
	for _, l := range slices.Concat(f.lines...) {
		l.close()
	}
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

// run spreads the hosts over the interval: the i-th of n starts at i/n, so that 10,000 hosts are
// not a burst. A refused host ends alone. run returns an error before ctx ends only if all hosts
// are refused.
func (f *fleet) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	start, refused := time.Now(), make([]error, f.cfg.Hosts)
	for i := range f.cfg.Hosts {
		phase := time.Duration(float64(f.cfg.Interval) * float64(i) / float64(f.cfg.Hosts))
		g.Go(func() (err error) {
			if wait(ctx, start.Add(phase)) {
				refused[i], err = f.runHost(ctx, i)
			}
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

// wait waits until t, or returns false if ctx ends first.
func wait(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// outlive returns a context that ends a time after ctx.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		defer cancel()
		_ = wait(longer, time.Now().Add(by))
	})
	return longer, cancel
}
