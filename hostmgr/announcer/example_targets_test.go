package announcer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A host announces itself to two registries that share nothing. Each has its own state: one of them
// is down.
func ExampleConfig_targets() {
	east, _ := hostmgr.New(hostmgr.Config[string]{})
	synctest.Test(new(testing.T), func(*testing.T) {
		host, _ := announcer.New(announcer.Config[string]{
			ID: "a",
			Targets: []announcer.Target[string]{
				{
					Name: "east",
					Announce: func(_ context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
						return east.Announce(a)
					},
					Leave: east.Leave,
				}, {
					Name: "west",
					Announce: func(context.Context, hostmgr.Announcement[string]) (hostmgr.Ack, error) {
						return hostmgr.Ack{}, errors.New("connection refused")
					},
				},
			},
		})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- host.Run(ctx) }()
		time.Sleep(time.Second) // of the bubble: it takes no time
		synctest.Wait()
		for _, s := range host.Status() {
			fmt.Println(s.Name, s.Joined, s.Err)
		}
		stop()
		fmt.Println("ended:", <-ended, east.Len())
	})
	// Output:
	// east true <nil>
	// west false connection refused
	// ended: <nil> 0
}

// A transport has errors of its own. Classify says what the host does about them.
func ExampleConfig_classify() {
	errUnauthenticated := errors.New("unauthenticated") // of the transport
	classify := func(err error) announcer.Action {
		if errors.Is(err, errUnauthenticated) {
			return announcer.GiveUp // no attempt will help
		}
		return announcer.Classify(err)
	}
	fmt.Println(classify(errUnauthenticated), classify(hostmgr.ErrUnknownHost), classify(context.DeadlineExceeded))
	// Output: GiveUp AnnounceAgain Retry
}
