package gc_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A dragonfly has the methods of the interface GC in d7y.io/dragonfly/v2/pkg/gc, v2.5.1, on a
// gc.GC. Nothing is missing for it.
type dragonfly struct {
	tasks  *gc.GC
	cancel context.CancelFunc
	ended  chan error
}

// Add adds a task, or replaces the interval of the one with that ID.
func (d *dragonfly) Add(task gc.Task) error {
	if d.tasks.Has(task.ID) {
		return d.tasks.SetInterval(task.ID, task.Interval)
	}
	return d.tasks.Add(task)
}

// Run starts a run and does not wait for it. The manager looks for the job of ctx in its database.
func (d *dragonfly) Run(ctx context.Context, id string) error {
	if !d.tasks.Has(id) {
		return fmt.Errorf("can not find task %s", id)
	}
	go func() { _ = d.tasks.RunNext(context.WithoutCancel(ctx), id) }() // errors are in the log
	return nil
}

func (d *dragonfly) RunAll(ctx context.Context) {
	go func() { _ = d.tasks.RunAll(context.WithoutCancel(ctx)) }()
}

func (d *dragonfly) Start(ctx context.Context) {
	ctx, d.cancel = context.WithCancel(ctx)
	d.ended = make(chan error, 1)
	go func() { d.ended <- d.tasks.Run(ctx) }()
}

func (d *dragonfly) Stop() {
	d.cancel()
	<-d.ended
}

// The manager of Dragonfly gives each run that a user triggers the ID of a job, and polls for the
// record that the run writes with it. A trigger that joins another's run would wait in vain.
func TestEachJobOfDragonflysManagerHasItsRecord(t *testing.T) {
	script(t, func(t *testing.T, g *gc.GC) {
		d := &dragonfly{tasks: g}
		records := map[any]time.Duration{}
		begun := time.Now()
		task := gc.Task{ID: "job", Interval: 3 * time.Hour, Timeout: time.Hour, Run: func(ctx context.Context) error {
			time.Sleep(time.Minute)
			records[ctx.Value(jobKey{})] = time.Since(begun)
			return nil
		}}
		require.NoError(t, d.Add(task))
		d.Start(t.Context())
		time.Sleep(time.Second)
		for _, id := range []string{"1", "2", "3"} {
			request, answered := context.WithCancel(job(t.Context(), id))
			require.NoError(t, d.Run(request, "job"))
			answered()
			time.Sleep(time.Second)
		}
		require.Error(t, d.Run(t.Context(), "unknown"))
		task.Interval = 10 * time.Minute
		require.NoError(t, d.Add(task))
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		require.Equal(t, map[any]time.Duration{
			"1": 61 * time.Second, "2": 121 * time.Second, "3": 181 * time.Second, nil: 11 * time.Minute,
		}, records)
		d.RunAll(t.Context())
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 5, stats(t, g, "job").Runs)
		d.Stop()
	})
}
