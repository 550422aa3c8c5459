// Package peerd is a process that is one or many hosts of a Dragonfly cluster.
package peerd

import (
	"context"
	"io"
	"log/slog"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// A fleet is the hosts of this process, and what they share.
type fleet struct {
	cfg    Config
	client schedulerv2.SchedulerClient
	slots  chan struct{} // a place for each call under way
	log    *slog.Logger
}

// Main is the command.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stdout)
	if err != nil {
		return err
	}
	log, err := cli.Logger(cfg.Log, stderr)
	if err != nil {
		return err
	}
	return Run(ctx, cfg, log)
}

// Run is the hosts until ctx ends; then they leave.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	conn, err := grpc.NewClient(cfg.Scheduler, dialOptions(cfg.Interval)...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	f := &fleet{
		cfg: cfg, client: schedulerv2.NewSchedulerClient(conn),
		slots: make(chan struct{}, concurrency), log: log,
	}
	return f.run(ctx)
}

// dialOptions make gRPC reconnect within the interval: left alone it waits up
// to two minutes, and a scheduler that restarts would lose every host.
func dialOptions(interval time.Duration) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: interval / 16, Multiplier: 1.6, Jitter: 0.2, MaxDelay: interval / 4,
			},
			MinConnectTimeout: interval,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true,
		}),
	}
}

// run spreads the hosts over the interval: the i-th of n has its phase at i/n,
// so that 10,000 hosts are not a burst once a second.
func (f *fleet) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for i := range f.cfg.Hosts {
		phase := time.Duration(float64(f.cfg.Interval) * float64(i) / float64(f.cfg.Hosts))
		h := newHost(f, f.cfg.HostID(i))
		g.Go(func() error { return h.run(ctx, start.Add(phase)) })
	}
	return g.Wait()
}

// call runs f with a time limit when there is a slot for it. The limit begins
// with the slot: waiting for one is our own doing. It does not end with ctx: an
// announce that was given up may still arrive, after the leave that follows it,
// and the host would join again; so one that is under way is waited for.
func (f *fleet) call(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return do(ctx)
}
