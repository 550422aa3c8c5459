package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A pool knows where each task is: in the queue, with a worker, or done. The channels have room for
// all tasks, so nothing here waits for a worker.
type pool struct {
	hosts *hostmgr.Registry[chan job] // the metadata of a worker is its inbox
	queue chan int
	done  chan int
	jobs  sync.Map // of type job: the tasks of workers; a task that is taken out is taken once
}

// A job is a task of a worker. The worker is known by its registration, which is never used again.
type job struct {
	task   int
	worker uint64
}

func newPool(tasks int, out io.Writer) (p *pool, err error) {
	p = &pool{queue: make(chan int, tasks), done: make(chan int, tasks)}
	for task := range tasks {
		p.queue <- task
	}
	p.hosts, err = hostmgr.New(hostmgr.Config[chan job]{Cleanup: func(_ context.Context, d hostmgr.Departure[chan job]) error {
		_, _ = fmt.Fprintf(out, "%s %s, tasks back in the queue: %d\n", d.Host.ID, d.Kind, p.takeBack(d.Host.Registration))
		return nil
	}})
	return p, err
}

// takeBack puts all tasks of a worker back into the queue, and returns how many.
func (p *pool) takeBack(worker uint64) (n int) {
	for j := range p.jobs.Range {
		if j := j.(job); j.worker == worker && p.jobs.CompareAndDelete(j, true) {
			p.queue <- j.task
			n++
		}
	}
	return n
}

// finish is called by a worker. If the job was taken back before, another worker does the task.
func (p *pool) finish(j job) {
	if p.jobs.CompareAndDelete(j, true) {
		p.done <- j.task
	}
}

// assign gives each task to a worker, until all are done or ctx ends. It returns how many are left.
func (p *pool) assign(ctx context.Context, left int) int {
	for left > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-p.done:
			left--
		case task := <-p.queue:
			if !p.give(task) {
				p.queue <- task
				time.Sleep(interval)
			}
		}
	}
	return left
}

// give reports whether a worker has the task. While orders that before the cleanup of the worker,
// or returns an error because the worker is gone. So no task is left with a worker that is gone.
func (p *pool) give(task int) bool {
	for _, w := range p.hosts.Sample(1, nil) {
		return p.hosts.While(w.ID, w.Registration, func() error {
			j := job{task, w.Registration}
			p.jobs.Store(j, true)
			w.Metadata <- j
			return nil
		}) == nil
	}
	return false
}
