package gc

import "context"

// RunNext gives its caller a run that no other call of RunNext shares, and waits for it. Run need
// not be running. The run starts at once if no run is in flight. Otherwise it queues: it starts
// when the run in flight and all runs that are in the queue already have ended. The run's context
// has the values of ctx, such as the ID of a job. RunNext returns what RunNow would return for the
// same run.
//
// Each call has its own turn, so RunNext may wait for as many runs as there are callers before it.
// If ctx ends first, RunNext returns ctx's error at once. A run that is still in the queue leaves
// the queue; a run that has started is cancelled.
//
//   - A caller of RunNow may join the run: while it is in flight, or first in the queue and the run
//     in flight cannot be joined. As long as such a caller waits for it, it stays in the queue, or
//     goes on, after the end of ctx. Calls of RunNext never share a run.
//   - Ticks are dropped, and counted, as long as runs follow one another out of the queue. The
//     Timeout of a run counts from its start.
//   - The end of Run cancels the run in flight. Runs in the queue follow, each until its ctx ends.
//   - The queue has no limit but the number of its callers. A run that hangs holds all of them up:
//     give ctx a deadline.
//
// An unknown ID returns ErrUnknownTask. If the task is removed before the run of this call has
// started, RunNext returns ErrRemoved at once. If ctx comes from the context of a run in flight of
// the same task, RunNext returns ErrReentrant.
func (g *GC) RunNext(ctx context.Context, id string) error {
	return g.trigger(ctx, id, g.enqueue)
}

// enqueue starts a run of t, or puts it into the queue.
func (g *GC) enqueue(ctx context.Context, t *task) (*flight, error) {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tasks[t.ID] != t {
		return nil, ErrRemoved
	}
	f := newFlight(context.WithoutCancel(ctx), t)
	if g.flights[t.ID] == nil {
		g.takeOff(f, now)
	} else {
		t.queue.push(f)
	}
	return f, nil
}
