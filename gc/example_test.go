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
