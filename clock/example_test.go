package clock_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
)

// A goroutine works every minute. The test waits until it is parked and then moves the time.
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
