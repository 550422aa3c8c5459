package gc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
)

// A task runs at its ticks until the context of Run ends. The example moves the clock by hand.
func ExampleGC_Run() {
	mock := clock.NewMock()
	g, _ := gc.New(gc.Config{Clock: mock})
	swept := make(chan string)
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Minute, Run: func(context.Context) error {
		swept <- mock.Now().UTC().Format(time.TimeOnly)
		return nil
	}})

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	for range 2 {
		_ = mock.BlockUntil(ctx, 1)
		mock.Add(time.Minute)
		fmt.Println("swept at", <-swept)
	}
	stop()
	fmt.Println("ended:", <-ended)
	// Output:
	// swept at 00:01:00
	// swept at 00:02:00
	// ended: <nil>
}

// A task is run at once, whether Run is running or not.
func ExampleGC_RunNow() {
	g, _ := gc.New(gc.Config{})
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Minute, Run: func(context.Context) error {
		return errors.New("the database is away")
	}})

	fmt.Println(g.RunNow(context.Background(), "hosts"))
	stats, _ := g.Stats("hosts")
	fmt.Println(stats.Runs, "run,", stats.Errors, "error")
	// Output:
	// the database is away
	// 1 run, 1 error
}

// The context of a run ends at the timeout, by the GC's clock.
func ExampleTask_timeout() {
	mock := clock.NewMock()
	g, _ := gc.New(gc.Config{Clock: mock})
	_ = g.Add(gc.Task{
		ID:       "hosts",
		Interval: time.Hour,
		Timeout:  time.Minute,
		Run: func(ctx context.Context) error {
			mock.Add(time.Minute)
			<-ctx.Done()
			return ctx.Err()
		},
	})

	err := g.RunNow(context.Background(), "hosts")
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// gc: timeout of 1m0s: context deadline exceeded
	// true
}

// Each call has a run of its own, with the values of its context: here the ID of a job whose result
// the caller waits for.
func ExampleGC_RunNext() {
	type job struct{}
	g, _ := gc.New(gc.Config{})
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Hour, Run: func(ctx context.Context) error {
		fmt.Println("result of job", ctx.Value(job{}))
		return nil
	}})

	for id := range 2 {
		fmt.Println(g.RunNext(context.WithValue(context.Background(), job{}, id), "hosts"))
	}
	// Output:
	// result of job 0
	// <nil>
	// result of job 1
	// <nil>
}

// An error of one task does not keep the others from their runs.
func ExampleGC_RunAll() {
	g, _ := gc.New(gc.Config{})
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Hour, Run: func(context.Context) error {
		return errors.New("the database is away")
	}})
	_ = g.Add(gc.Task{ID: "tasks", Interval: time.Hour, Run: func(context.Context) error {
		return nil
	}})

	fmt.Println(g.RunAll(context.Background()))
	stats, _ := g.Stats("tasks")
	fmt.Println("runs of tasks:", stats.Runs)
	// Output:
	// gc: task "hosts": the database is away
	// runs of tasks: 1
}

// A configuration that was read again changes the interval. The next tick comes one new interval
// after the last one.
func ExampleGC_SetInterval() {
	mock := clock.NewMock()
	g, _ := gc.New(gc.Config{Clock: mock})
	ran := make(chan string)
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Hour, Run: func(context.Context) error {
		ran <- mock.Now().UTC().Format(time.TimeOnly)
		return nil
	}})

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	_ = mock.BlockUntil(ctx, 1)
	_ = g.SetInterval("hosts", time.Minute)
	mock.Add(time.Minute)
	fmt.Println("ran at", <-ran)
	stop()
	<-ended
	// Output:
	// ran at 00:01:00
}

// A task may remove itself. The run goes on, with a context that has ended.
func ExampleGC_Remove() {
	g, _ := gc.New(gc.Config{})
	_ = g.Add(gc.Task{ID: "migration", Interval: time.Hour, Run: func(ctx context.Context) error {
		fmt.Println("removed:", g.Remove("migration"))
		fmt.Println(context.Cause(ctx))
		return nil
	}})

	fmt.Println(g.RunNow(context.Background(), "migration"))
	fmt.Println(g.Tasks())
	// Output:
	// removed: true
	// gc: task removed
	// <nil>
	// []
}

// A panic is an error of its run. The task has its next run all the same.
func ExampleTaskStats() {
	g, _ := gc.New(gc.Config{})
	first := true
	_ = g.Add(gc.Task{ID: "hosts", Interval: time.Hour, Run: func(context.Context) error {
		if first {
			first = false
			panic("no such row")
		}
		return nil
	}})

	err := g.RunNow(context.Background(), "hosts")
	fmt.Println(errors.Is(err, gc.ErrPanic))
	fmt.Println(g.RunNow(context.Background(), "hosts"))
	stats, _ := g.Stats("hosts")
	fmt.Println(stats.Runs, "runs,", stats.Panics, "panic")
	// Output:
	// true
	// <nil>
	// 2 runs, 1 panic
}
