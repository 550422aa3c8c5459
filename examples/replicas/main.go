// Command replicas shows three registries that share one view of their hosts. A host roams: it
// sends each heartbeat to a random replica. After 15 s one replica ends, and then the host dies. So
// the replicas show one eviction, and it is the right one.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func main() { cli.Main(run) }

// A replica is a registry, and its share of the common view.
type replica struct {
	hosts *hostmgr.Registry[string]
	share *share.Member[string]
}

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("replicas", flag.ContinueOnError)
	if err := cli.Parse(fs, "Command replicas lets a host roam among three replicas, until SIGINT.", args, stdout); err != nil {
		return err
	}
	store, replicas := share.Memory(), []replica(nil) // several processes need a store of their own
	group, ctx := errgroup.WithContext(ctx)
	for n := range 3 {
		r := replica{}
		r.hosts, _ = hostmgr.New(hostmgr.Config[string]{}) // this Config is valid, and so is the next one
		r.share, _ = share.New(share.Config[string]{Registry: r.hosts, Store: store, Name: fmt.Sprint("replica ", n)})
		replicas = append(replicas, r)
		running, end := context.WithCancel(ctx)
		if n == 2 {
			time.AfterFunc(15*time.Second, end)
		}
		group.Go(func() error { return r.hosts.Run(running) })
		group.Go(func() error { defer end(); return r.share.Run(running) })
		group.Go(func() error {
			for e := range r.hosts.Watch(running, hostmgr.EventJoined, hostmgr.EventDeparted) {
				if d := e.Departure; d != nil {
					_, _ = fmt.Fprintf(stdout, "replica %d: %s departs: %s\n", n, e.Host.ID, d.Reason())
				} else if e.Kind == hostmgr.EventJoined {
					_, _ = fmt.Fprintf(stdout, "replica %d: %s joins\n", n, e.Host.ID)
				}
			}
			return nil
		})
	}
	group.Go(func() error { return roam(ctx, replicas) })
	return group.Wait()
}

// roam is the life of a host, of 30 s. It needs no address of one replica: a load balancer will do.
func roam(ctx context.Context, replicas []replica) error {
	for end := time.Now().Add(30 * time.Second); ctx.Err() == nil && time.Now().Before(end); {
		r := replicas[rand.IntN(len(replicas))]
		if !r.share.Ready() { // it answers no host: it begins, it has ended, or it is cut off
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if _, err := r.hosts.Announce(hostmgr.Announcement[string]{ID: "roamer", Interval: time.Second}); err != nil {
			return err
		}
		time.Sleep(time.Second / 2)
	}
	return nil
}
