package endtoend

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/hostmgr"
)

// A fleet is the hosts of the peer process.
type fleet struct {
	plan
	conns    []*grpc.ClientConn
	requests []*schedulerv2.AnnounceHostRequest // one a host; never changed
	ok, bad  atomic.Uint64
}

func newFleet(o order) (*fleet, error) {
	f := &fleet{plan: o.Plan}
	for range f.Conns {
		c, err := grpc.NewClient(o.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		f.conns = append(f.conns, c)
	}
	for i := range f.Hosts {
		f.requests = append(f.requests, request(i))
	}
	return f, nil
}

// request is what a Dragonfly peer says of itself, with an id as long as its own.
func request(i int) *schedulerv2.AnnounceHostRequest {
	name := fmt.Sprintf("host-%d", i)
	return &schedulerv2.AnnounceHostRequest{
		Host: &commonv2.Host{
			Id: fmt.Sprintf("%x", sha256.Sum256([]byte(name))), Hostname: name, Ip: "127.0.0.1",
			Port: 4000, DownloadPort: 4001, Os: "linux", Platform: "ubuntu",
			Network: &commonv2.Network{Idc: proto.String("idc"), Location: proto.String("country|province|city")},
			Build:   &commonv2.Build{GitVersion: "v2.1.0"},
		},
		Interval: durationpb.New(hostmgr.DefaultInterval),
	}
}

// work announces all hosts, and then whichever for as long as the flood takes. Only
// the latter are counted.
func (f *fleet) work(ctx context.Context, log io.Writer) (count, error) {
	if err := f.join(ctx); err != nil {
		return count{}, err
	}
	_, _ = fmt.Fprintf(log, "endtoend: %d hosts have joined\n", f.Hosts)
	defer f.progress(log)()
	began := time.Now()
	err := f.flood(ctx, began.Add(f.Flood))
	return count{f.ok.Load(), f.bad.Load(), time.Since(began).Seconds()}, err
}

// join fails if one of the hosts can't.
func (f *fleet) join(ctx context.Context) error {
	return f.all(ctx, func(ctx context.Context, w int, client schedulerv2.SchedulerClient) error {
		for i := w; i < f.Hosts; i += f.Workers {
			if _, err := client.AnnounceHost(ctx, f.requests[i]); err != nil {
				return fmt.Errorf("host %d does not join: %w", i, err)
			}
		}
		return nil
	})
}

// flood counts failures, and goes on.
func (f *fleet) flood(ctx context.Context, end time.Time) error {
	return f.all(ctx, func(ctx context.Context, _ int, client schedulerv2.SchedulerClient) error {
		for time.Now().Before(end) && ctx.Err() == nil {
			if _, err := client.AnnounceHost(ctx, f.requests[rand.IntN(f.Hosts)]); err != nil {
				f.bad.Add(1)
				continue
			}
			f.ok.Add(1)
		}
		return ctx.Err()
	})
}

// all runs a function in each worker, until all have returned.
func (f *fleet) all(ctx context.Context, do func(context.Context, int, schedulerv2.SchedulerClient) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for w := range f.Workers {
		g.Go(func() error { return do(ctx, w, schedulerv2.NewSchedulerClient(f.conns[w%len(f.conns)])) })
	}
	return g.Wait()
}

// progress says every two seconds how many were answered, until it is stopped.
func (f *fleet) progress(log io.Writer) (stop func()) {
	ticker, done, ended := time.NewTicker(2*time.Second), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				_, _ = fmt.Fprintf(log, "endtoend: %d announces so far\n", f.ok.Load())
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
	}
}

func (f *fleet) close() (err error) {
	for _, c := range f.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}
