package announcer_test

import (
	"context"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A host announces itself to a registry of the same process. With a remote one, the functions are
// calls of a client.
func Example() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			fmt.Println(d.Host.ID, d.Kind)
			return nil
		},
	})
	joined := make(chan struct{})
	host, err := announcer.New(announcer.Config[string]{
		ID:       "a",
		Metadata: func() string { return "10.0.0.1:4000" },
		Announce: func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
			return hosts.Announce(a)
		},
		Leave: hosts.Leave,
		Joined: func(context.Context, hostmgr.Ack) error { // register what belongs to the host
			close(joined)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- host.Run(ctx) }()
	<-joined
	h, _ := hosts.Get("a")
	fmt.Println(h.ID, h.State, h.Metadata)
	stop() // the host leaves
	fmt.Println(<-done)
	// Output:
	// a alive 10.0.0.1:4000
	// a left
	// <nil>
}
