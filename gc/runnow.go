package gc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// RunNow runs a task at once, whether Run is running or not, and waits for it. It joins a run in
// flight. If the context of that run has ended, RunNow waits for the run to end and then for one
// more run, which all such callers share. That is the first run in the queue of RunNext, if there
// is one. The schedule of the task does not change.
//
// It returns the error of Task.Run, unchanged. If the run's context had ended, the cause is added:
// errors.Is finds context.DeadlineExceeded after a timeout, and ErrRemoved. A panic returns
// ErrPanic. An unknown ID returns ErrUnknownTask. If the task is removed before the run of this
// call has started, RunNow returns ErrRemoved at once. A run in flight is waited for.
//
// A run that hangs is waited for too: give ctx a deadline. If ctx ends first, RunNow returns ctx's
// error at once. The run continues if other callers wait for it, or if the schedule started it.
// Otherwise its context is cancelled.
//
// A run that calls RunNow for its own task would wait for itself. If ctx comes from the run's
// context, RunNow returns ErrReentrant. With any other ctx it waits until ctx ends.
func (g *GC) RunNow(ctx context.Context, id string) error {
	return g.trigger(ctx, id, g.join)
}

// trigger waits for the run that enter returns for the task with that ID.
func (g *GC) trigger(ctx context.Context, id string, enter entrance) error {
	t := g.task(id)
	if t == nil {
		return fmt.Errorf("%w %q", ErrUnknownTask, id)
	}
	return g.await(ctx, t, enter)
}

// An entrance returns the run of a task for a caller: join or enqueue.
type entrance func(context.Context, *task) (*flight, error)

// RunAll runs all tasks at once, like RunNow, and waits for them. The error of one task does not
// end other runs. RunAll joins all errors, each with the ID of its task, in the order of the IDs.
func (g *GC) RunAll(ctx context.Context) error {
	tasks := g.all()
	errs := make([]error, len(tasks))
	var runs errgroup.Group
	for i, t := range tasks {
		runs.Go(func() error {
			if err := g.await(ctx, t, g.join); err != nil {
				errs[i] = fmt.Errorf("gc: task %q: %w", t.ID, err)
			}
			return errs[i]
		})
	}
	if runs.Wait() == nil {
		return nil
	}
	return errors.Join(errs...)
}

// all returns the tasks in the order of their IDs.
func (g *GC) all() []*task {
	g.mu.Lock()
	defer g.mu.Unlock()
	tasks := make([]*task, 0, len(g.tasks))
	for _, id := range slices.Sorted(maps.Keys(g.tasks)) {
		tasks = append(tasks, g.tasks[id])
	}
	return tasks
}

func (g *GC) await(ctx context.Context, t *task, enter entrance) error {
	ctx = orBackground(ctx)
	if g.within(ctx, t) {
		return ErrReentrant
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := enter(ctx, t)
	if err != nil {
		return err
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		g.leave(f, context.Cause(ctx))
		return ctx.Err()
	}
}

// within reports whether ctx is, or comes from, the context of a run of t in flight.
func (g *GC) within(ctx context.Context, t *task) bool {
	f, ok := ctx.Value(t).(*flight)
	g.mu.Lock()
	defer g.mu.Unlock()
	return ok && g.flights[t.ID] == f
}

// join starts a run of t, or joins the run in flight. A run cannot be joined if its context has
// ended, or if it is of a removed task with t's ID. Then join joins the first run in the queue,
// which clear starts. So a caller waits for at most one run that is not its own, whatever other
// callers do.
func (g *GC) join(ctx context.Context, t *task) (*flight, error) {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.flights[t.ID]
	switch {
	case g.tasks[t.ID] != t:
		return nil, ErrRemoved
	case f == nil:
		f = newFlight(context.WithoutCancel(ctx), t)
		g.takeOff(f, now)
		return f, nil
	case f.task == t && f.waiting > 0 && f.ctx.Err() == nil:
		f.waiting++
		return f, nil
	case t.queue.first() == nil:
		t.queue.push(newFlight(context.WithoutCancel(ctx), t))
		return t.queue.first(), nil
	}
	f = t.queue.first()
	f.waiting++
	return f, nil
}

// leave ends the wait of a caller. The last one cancels the run, and takes it out of the queue. No
// caller joins in between: join checks waiting, and once that is 0 it stays 0.
func (g *GC) leave(f *flight, cause error) {
	g.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	if last {
		f.task.queue.drop(f)
	}
	g.mu.Unlock()
	if last {
		f.cancel(cause)
	}
}
