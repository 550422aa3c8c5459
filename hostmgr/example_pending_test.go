package hostmgr_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A cleanup that has failed is owed, until it succeeds.
func ExampleRegistry_Pending() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock:   mock,
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errors.New("database is down") },
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "rows of a"})
	_ = hosts.Leave(context.Background(), "a", 0)
	for d := range hosts.Pending() {
		fmt.Println(d.Host.ID, d.Kind, "and owes", d.Host.Metadata, "after", d.Attempt, "attempt")
	}
	// Output: a left and owes rows of a after 1 attempt
}

// A process ends while a cleanup is owed. Drain does it, and does not wait for its next turn.
func ExampleRegistry_Drain() {
	online := false
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock: clock.NewMock(), // Drain tries once, and again when the clock moves
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if !online {
				return errors.New("database is down")
			}
			fmt.Println("freed", d.Host.Metadata)
			return nil
		},
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "rows of a"})
	_ = hosts.Leave(context.Background(), "a", 0)
	online = true
	fmt.Println("drained:", hosts.Drain(context.Background()))
	// Output:
	// freed rows of a
	// drained: <nil>
}
