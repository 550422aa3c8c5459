package hostlife_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

// A service that has periodic tasks sweeps the registry in one of them, instead of by Run. A host
// is then evicted by the first run after its timeout.
func Example_gc() {
	mock := clock.NewMock() // without a Clock it is the system's
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	tasks, _ := gc.New(gc.Config{Clock: mock})
	_ = tasks.Add(gc.Task{ID: "hosts", Interval: 10 * time.Second, Run: hosts.RunGC})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- tasks.Run(ctx) }()
	_ = mock.BlockUntil(ctx, 1) // until Run waits

	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 8 * time.Second})
	mock.Add(19 * time.Second)
	fmt.Println("overdue:", hosts.Len())
	mock.Add(time.Second)
	fmt.Println("swept:", hosts.Len())
	stop()
	fmt.Println("ended:", <-ended)
	// Output:
	// overdue: 1
	// swept: 0
	// ended: <nil>
}
