// Command workers gives tasks to workers, half of which die. Each worker is a host, and makes a
// contact before each task. The cleanup of a worker puts its task back into the queue.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("workers", flag.ContinueOnError)
	if err := cli.Parse(fs, "Command workers does tasks until SIGINT.", args, stdout); err != nil {
		return err
	}
	p := pool{queue: make(chan int, 100), out: stdout}
	p.hosts, _ = hostmgr.New(hostmgr.Config[struct{}]{Cleanup: p.cleanup}) // this Config is valid
	for task := range cap(p.queue) {
		p.queue <- task
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return p.hosts.Run(running) })
	for n := range 8 {
		group.Go(func() error { return p.work(running, fmt.Sprint("worker ", n), n%2 == 0) })
	}
	return cli.Drain(group.Wait(), p.hosts, stdout)
}

type pool struct {
	hosts *hostmgr.Registry[struct{}]
	queue chan int // with room for all tasks
	tasks sync.Map // of workers, by registration; a worker may finish only the task that it still has here
	out   io.Writer
}

func (p *pool) cleanup(_ context.Context, d hostmgr.Departure[struct{}]) error {
	if task, ok := p.tasks.LoadAndDelete(d.Host.Registration); ok {
		p.queue <- task.(int)
	}
	return nil
}

func (p *pool) work(ctx context.Context, id string, dies bool) error {
	for ctx.Err() == nil {
		ack, err := p.hosts.Announce(hostmgr.Announcement[struct{}]{ID: id, Interval: time.Second})
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Second / 2):
		case task := <-p.queue:
			err := p.hosts.While(id, ack.Registration, func() error {
				p.tasks.Store(ack.Registration, task) // the cleanup begins after that
				return nil
			})
			if err != nil {
				p.queue <- task // this worker has just been evicted
				continue
			}
			if dies {
				return nil // without a leave
			}
			time.Sleep(time.Second / 10) // this is the work
			if p.tasks.CompareAndDelete(ack.Registration, task) {
				_, _ = fmt.Fprintf(p.out, "%s has done task %d\n", id, task)
			}
		}
	}
	return nil
}
