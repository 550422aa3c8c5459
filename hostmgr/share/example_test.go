package share_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// Three members have one table. A host joins at one of them and leaves at another one, and all of
// them show it. The shared cleanup runs once. In a bubble of testing/synctest this takes no time.
func Example() {
	t := new(testing.T) // of the test
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		var group errgroup.Group
		var members [3]*hostmgr.Registry[string]
		store := share.Memory()
		for n := range members {
			hosts, _ := hostmgr.New(hostmgr.Config[string]{})
			member, _ := share.New(share.Config[string]{
				Registry: hosts, Store: store, Name: fmt.Sprint("member ", n),
				Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
					fmt.Println("cleanup of", d.Host.ID, "at member", n)
					return nil
				},
			})
			group.Go(func() error { return hosts.Run(ctx) })
			group.Go(func() error { return member.Run(ctx) })
			members[n] = hosts
		}
		time.Sleep(time.Second) // now all are Ready

		_, _ = members[0].Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
		time.Sleep(time.Second)
		fmt.Println("joined:", members[0].Len(), members[1].Len(), members[2].Len())
		_ = members[1].Leave(ctx, "a", 0)
		time.Sleep(time.Second)
		fmt.Println("left:", members[0].Len(), members[1].Len(), members[2].Len())

		cancel()
		fmt.Println("ended:", group.Wait())
	})
	// Output:
	// joined: 1 1 1
	// cleanup of a at member 1
	// left: 0 0 0
	// ended: <nil>
}

// On a Mock, all registries have the same one. It does not wait for the feed. So the test moves it
// in small steps, until what it expects has happened.
func Example_testing() {
	mock := clock.NewMock()
	ctx, cancel := context.WithCancel(context.Background())
	store, ended := share.Memory(), make(chan error, 4)
	var hosts [2]*hostmgr.Registry[string]
	var members [2]*share.Member[string]
	for n := range hosts {
		hosts[n], _ = hostmgr.New(hostmgr.Config[string]{Clock: mock})
		members[n], _ = share.New(share.Config[string]{Registry: hosts[n], Store: store})
		go func() { ended <- hosts[n].Run(ctx) }()
		go func() { ended <- members[n].Run(ctx) }()
	}
	until := func(what string, done func() bool) {
		for !done() { // in a test with a limit
			mock.Add(100 * time.Millisecond)
		}
		fmt.Println(what)
	}

	until("both are ready", func() bool { return members[0].Ready() && members[1].Ready() })
	_, _ = hosts[0].Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * time.Second})
	until("the other one has the host", func() bool { return hosts[1].Len() == 1 })
	until("both have evicted it", func() bool { return hosts[0].Len()+hosts[1].Len() == 0 })
	cancel()
	until("both have ended", func() bool { return len(ended) == 4 })
	// Output:
	// both are ready
	// the other one has the host
	// both have evicted it
	// both have ended
}

// A process runs its registry and its membership side by side. It serves hosts only while it is
// Ready.
func ExampleNew() {
	type Peer struct{ Address string }
	ctx, end := context.WithCancel(context.Background())
	store := share.Memory() // for several processes: hostredis or hostetcd

	hosts, err := hostmgr.New(hostmgr.Config[Peer]{})
	if err != nil {
		panic(err)
	}
	member, err := share.New(share.Config[Peer]{
		Registry: hosts, Store: store, Name: "scheduler-1",
		Cleanup: func(ctx context.Context, d hostmgr.Departure[Peer]) error {
			return nil // free data outside of the process, by d.Host.Registration
		},
	})
	if err != nil {
		panic(err)
	}
	announce := func(a hostmgr.Announcement[Peer]) (hostmgr.Ack, error) {
		if !member.Ready() {
			_, _ = hosts.Heartbeat(a.ID, a.Incarnation) // it has been heard, if it is registered
			return hostmgr.Ack{}, errors.New("unavailable: try another scheduler")
		}
		return hosts.Announce(a)
	}
	_, err = announce(hostmgr.Announcement[Peer]{ID: "a"}) // in a handler; the member does not run yet
	fmt.Println(err)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return hosts.Run(ctx) })
	group.Go(func() error { return member.Run(ctx) })
	end()
	fmt.Println("ended:", group.Wait())
	// Output:
	// unavailable: try another scheduler
	// ended: <nil>
}
