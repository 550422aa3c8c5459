package clock_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A lease takes its clock as a field, so a test can move the time.
type lease struct {
	clock clock.Clock
	ends  time.Time
}

func (l *lease) renew(d time.Duration) { l.ends = l.clock.Now().Add(d) }
func (l *lease) ended() bool           { return l.clock.Now().After(l.ends) }

// In production the clock is clock.System().
func ExampleClock() {
	mock := clock.NewMock()
	l := &lease{clock: mock}
	l.renew(time.Minute)
	fmt.Println("ended:", l.ended())
	mock.Add(time.Minute + 1)
	fmt.Println("ended:", l.ended())
	// Output:
	// ended: false
	// ended: true
}

// A goroutine works every minute. The test waits until it waits for the clock, and then moves the
// time.
func ExampleMock() {
	mock := clock.NewMock()
	worked := make(chan time.Time)
	go func() {
		for range 3 {
			worked <- <-mock.After(time.Minute)
		}
	}()

	for range 3 {
		_ = mock.BlockUntil(context.Background(), 1)
		mock.Add(time.Minute)
		fmt.Println("worked at", (<-worked).UTC().Format(time.TimeOnly))
	}
	// Output:
	// worked at 00:01:00
	// worked at 00:02:00
	// worked at 00:03:00
}

// A jump stops nowhere: each After that was due on the way receives the time of its end, as after a
// pause of the process.
func ExampleMock_Set() {
	mock := clock.NewMock()
	soon, later := mock.After(time.Second), mock.After(time.Minute)
	mock.Set(mock.Now().Add(time.Hour))
	fmt.Println((<-soon).UTC().Format(time.TimeOnly))
	fmt.Println((<-later).UTC().Format(time.TimeOnly))
	// Output:
	// 01:00:00
	// 01:00:00
}

// With a Waiter, a loop and the test take turns. So one Add lets three minutes pass, and the loop
// works after each of them.
func ExampleWaiter() {
	mock := clock.NewMock()
	loop := clock.NewWaiter(mock)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		loop.Start()
		defer loop.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-loop.After(time.Minute):
				fmt.Println("worked at", mock.Now().UTC().Format(time.TimeOnly))
			}
		}
	}()

	mock.Add(3 * time.Minute)
	stop()
	<-ended
	// Output:
	// worked at 00:01:00
	// worked at 00:02:00
	// worked at 00:03:00
}
