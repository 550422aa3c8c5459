package gc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// RunNow runs a task at once, whether Run is running or not, and waits for it. If a run is in flight
// it joins that one, unless its context has ended: then it waits for its end and for the run after
// that, which all callers that wait so share. The schedule of the task stays as it is.
//
// It returns the error of the run: what Task.Run returned, as it is; with the cause if the run's
// context ended before (errors.Is knows context.DeadlineExceeded of a timeout, and ErrRemoved); or
// ErrPanic. When ctx ends first, RunNow returns ctx's error at once. The run goes on for the others
// who wait for it, its schedule being one if that started it; if there is none, its context is
// cancelled. It returns ErrUnknownTask, or ErrRemoved if the task is removed while RunNow waits.
//
// A run that called RunNow for its own task would wait for itself. RunNow sees that by a ctx that
// comes from the run's context, and returns ErrReentrant; given any other it waits until ctx ends.
func (g *GC) RunNow(ctx context.Context, id string) error {
	t := g.task(id)
	if t == nil {
		return fmt.Errorf("%w %q", ErrUnknownTask, id)
	}
	return g.runNow(ctx, t)
}

// RunAll runs all tasks at once, as RunNow does, and waits for them. An error of one task ends no
// other run. RunAll joins all errors, each with the ID of its task, in the order of the IDs.
func (g *GC) RunAll(ctx context.Context) error {
	tasks := g.all()
	errs := make([]error, len(tasks))
	var runs errgroup.Group
	for i, t := range tasks {
		runs.Go(func() error {
			if err := g.runNow(ctx, t); err != nil {
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

func (g *GC) runNow(ctx context.Context, t *task) error {
	if g.within(ctx, t) {
		return ErrReentrant
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := g.join(ctx, t)
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

// within says whether ctx is that of a run of t in flight, or comes from it.
func (g *GC) within(ctx context.Context, t *task) bool {
	f, ok := ctx.Value(t).(*flight)
	g.mu.Lock()
	defer g.mu.Unlock()
	return ok && g.flights[t.ID] == f
}

// join starts a run of t, or joins the one in flight. When that one can't be joined, because its
// context has ended or it is of a removed task with t's ID, join joins the run that is to follow,
// which clear starts: so a caller waits for one run that isn't its own at most, whatever others do.
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
	case t.next == nil:
		t.next = newFlight(context.WithoutCancel(ctx), t)
		return t.next, nil
	}
	t.next.waiting++
	return t.next, nil
}

// leave is for callers that joined and wait no longer. The last one cancels the run, or takes back
// that it is to follow. That no caller joins in between is why join looks at waiting: once it is 0,
// it stays 0.
func (g *GC) leave(f *flight, cause error) {
	g.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	if last && f.task.next == f {
		f.task.next = nil
	}
	g.mu.Unlock()
	if last {
		f.cancel(cause)
	}
}
