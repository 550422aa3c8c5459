// Command workers is a pool of workers that die. Each worker is a host, and each task goes to one
// that is alive. The cleanup of a worker puts its tasks back into the queue.
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
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

const interval = 50 * time.Millisecond // between contacts, and between tries to find a worker

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("workers", flag.ContinueOnError)
	workers, tasks := fs.Int("workers", 4, "`number` of workers"), fs.Int("tasks", 100, "`number` of tasks")
	if err := cli.Parse(fs, "Command workers does tasks with workers that die.", args, stdout); err != nil {
		return err
	}
	p, err := newPool(*tasks, stdout)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return p.hosts.Run(ctx) })
	for i := range *workers {
		group.Go(func() error { return p.employ(ctx, i) })
	}
	left := p.assign(ctx, *tasks)
	stop()
	err = cli.Drain(group.Wait(), p.hosts.Drain)
	_, _ = fmt.Fprintf(stdout, "%d of %d tasks are done\n", *tasks-left, *tasks)
	return err
}

// employ replaces a worker by a new one as often as it dies.
func (p *pool) employ(ctx context.Context, number int) error {
	for n := 1; ctx.Err() == nil; n++ {
		alive, die := context.WithCancel(ctx)
		inbox := make(chan job, cap(p.queue))
		a, err := announcer.New(announcer.Config[chan job]{
			ID: fmt.Sprintf("worker %d.%d", number, n), Interval: interval, Metadata: func() chan job { return inbox },
			Announce: func(_ context.Context, a hostmgr.Announcement[chan job]) (hostmgr.Ack, error) {
				return p.hosts.Announce(a)
			},
		})
		if err == nil {
			go p.work(alive, die, inbox)
			err = a.Run(alive)
		}
		if die(); err != nil {
			return err
		}
	}
	return nil
}

// work does tasks until one of them kills it, without a word.
func (p *pool) work(alive context.Context, die func(), inbox <-chan job) {
	defer die()
	for rand.IntN(10) > 0 {
		select {
		case <-alive.Done():
			return
		case j := <-inbox:
			p.finish(j)
		}
	}
}
