// Package tasks implements Dragonfly's gc.GC on package gc of hostlife.
package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

var _ pkggc.GC = (*Tasks)(nil)

// Options are what New can do without.
type Options struct {
	// Logger receives a line when a run starts, fails, takes longer than its Timeout, or is done,
	// and while it keeps ticks of its task from running. Nil logs nothing.
	Logger pkggc.Logger
	// Clock is the time source. Nil means the system clock.
	Clock clock.Clock
	// EndAtTimeout gives each run a context that ends at the Timeout of its task. Otherwise a run
	// gets the context of Run, RunAll or Start unchanged, and its Timeout is only logged: that is
	// what Dragonfly does.
	EndAtTimeout bool
}

// Tasks is a pkggc.GC. Its methods may be called concurrently.
//
// Runs of one task never overlap. Each trigger has a run of its own, which follows the run in
// flight and those that were triggered before. A tick that comes during a run is dropped, and logged.
//
// A run that hangs stops its task: Dragonfly would start the next run all the same. Set
// EndAtTimeout, and watch Dropped and RunningSince of Stats.
type Tasks struct {
	tasks   *gc.GC
	log     pkggc.Logger
	endAt   bool
	current sync.Map // of pkggc.Task by ID

	stopped context.Context
	stop    func()
}

// New returns a GC without tasks.
func New(options Options) (*Tasks, error) {
	t := &Tasks{log: options.Logger, endAt: options.EndAtTimeout}
	if t.log == nil {
		t.log = discard{}
	}
	var err error
	t.tasks, err = gc.New(gc.Config{Clock: options.Clock, Logger: slog.New(drops{t.log})})
	if err != nil {
		return nil, err
	}
	t.stopped, t.stop = context.WithCancel(context.Background())
	return t, nil
}

// Add adds a task. If there is one with its ID, Add replaces its Runner and its Interval. The
// Timeout stays.
func (t *Tasks) Add(task pkggc.Task) error {
	if err := check(task); err != nil {
		return err
	}
	t.current.Store(task.ID, task)
	if t.tasks.Has(task.ID) {
		return t.tasks.SetInterval(task.ID, task.Interval)
	}
	return t.tasks.Add(gc.Task{ID: task.ID, Interval: task.Interval, Timeout: task.Timeout,
		Run: func(ctx context.Context) error { return t.run(ctx, task.ID) }})
}

// Run triggers a run of its own, and does not wait for it. Each trigger is a goroutine until its run
// has ended, so behind a run that hangs they add up.
func (t *Tasks) Run(ctx context.Context, id string) error {
	if !t.tasks.Has(id) {
		return fmt.Errorf("can not find task %s", id)
	}
	// A run may trigger its own task, so the new run must not know the run that ctx comes from.
	go func() { _ = t.tasks.RunNext(withCaller(context.Background(), ctx), id) }() // run logs the error
	return nil
}

// RunAll triggers a run of each task, and does not wait for them.
func (t *Tasks) RunAll(ctx context.Context) {
	for _, id := range t.tasks.Tasks() {
		_ = t.Run(ctx, id) // no task is ever removed
	}
}

// Start runs each task every Interval until Stop, or until ctx ends. It does not wait.
func (t *Tasks) Start(ctx context.Context) {
	ctx, cancel := context.WithCancel(withCaller(ctx, ctx))
	context.AfterFunc(t.stopped, cancel)
	go func() {
		defer cancel()
		if err := t.tasks.Run(ctx); err != nil {
			t.log.Errorf("GC not started: %v", err)
			return
		}
		for _, id := range t.tasks.Tasks() {
			t.log.Infof("%s GC stop", id)
		}
	}()
}

// Stop ends what Start has started. It does not wait for runs in flight.
func (t *Tasks) Stop() { t.stop() }

// Stats returns the figures of a task, and whether there is one with that ID.
func (t *Tasks) Stats(id string) (gc.TaskStats, bool) { return t.tasks.Stats(id) }
