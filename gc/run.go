package gc

import (
	"context"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A session is a Run that has not returned.
type session struct {
	ctx   context.Context
	loops sync.WaitGroup // one loop for each task
}

// Run runs every task at each of its ticks until ctx ends. Then it cancels all runs in flight,
// including those that RunNow started, waits until they have returned, and returns nil. Before
// that, another Run returns ErrRunning. After that, Run may be called again.
//
// A run that ignores its context keeps Run from returning, for as long as it takes. Meanwhile its
// ticks are still counted and logged. A service that must end in time has to wait for Run with a
// limit of its own.
func (g *GC) Run(ctx context.Context) error {
	ctx = orBackground(ctx)
	g.lines.Start()
	g.waiter.Start()
	s, err := g.open(ctx)
	g.waiter.Stop()
	if err != nil {
		g.lines.Stop()
		return err
	}
	<-ctx.Done()
	flights := g.inFlight()
	for _, f := range flights {
		f.cancel(context.Cause(ctx))
	}
	for _, f := range flights {
		<-f.done
	}
	// No loop starts during this wait, because start sees that ctx has ended. A loop that it
	// started before that was started before inFlight had the lock.
	s.loops.Wait()
	g.lines.Summarize()
	g.lines.Stop()
	g.close()
	return nil
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

func (g *GC) open(ctx context.Context) (*session, error) {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.session != nil {
		return nil, ErrRunning
	}
	g.session = &session{ctx: ctx}
	for _, t := range g.tasks {
		g.session.start(g, t, now)
	}
	return g.session, nil
}

func (g *GC) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.session = nil
}

// start starts the loop of a task, its first tick one period from now. The caller holds g.mu.
func (s *session) start(g *GC, t *task, now time.Time) {
	if s.ctx.Err() == nil {
		t.waiter = clock.NewWaiter(g.clock)
		l := &loop{gc: g, ctx: s.ctx, task: t, times: t.Task, last: now, tick: now.Add(t.period()), waiter: t.waiter}
		s.loops.Go(l.run)
	}
}
