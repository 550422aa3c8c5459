package hostmgr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A test runs a registry on a Mock. When Add returns, Run has swept at each of its times on the
// way.
func Example_testingRun() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- hosts.Run(ctx) }()

	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * time.Second})
	mock.Set(mock.Now().Add(time.Hour)) // the process was paused: that is no silence of a
	fmt.Println("after a pause:", hosts.Len())
	mock.Add(61 * time.Second) // more than 2 x its interval
	fmt.Println("after a silence:", hosts.Len())

	cancel()
	fmt.Println("ended:", <-ended)
	// Output:
	// after a pause: 1
	// after a silence: 0
	// ended: <nil>
}

// In a bubble of testing/synctest, the system clock is the clock of the bubble.
func Example_testingSynctest() {
	t := new(testing.T) // of the test
	synctest.Test(t, func(*testing.T) {
		hosts, _ := hostmgr.New(hostmgr.Config[string]{})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- hosts.Run(ctx) }()

		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * time.Second})
		time.Sleep(61 * time.Second)
		synctest.Wait()
		fmt.Println("hosts:", hosts.Len())

		cancel()
		fmt.Println("ended:", <-ended)
	})
	// Output:
	// hosts: 0
	// ended: <nil>
}
