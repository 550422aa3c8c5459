package hostredis_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// Two processes share their hosts on Redis. A host joins at one of them, and leaves at the other one.
func Example() {
	engine := miniredis.NewMiniRedis() // a Redis in this process, for the example
	_ = engine.Start()
	defer engine.Close()

	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	process := func() (*hostmgr.Registry[string], *share.Member[string]) {
		client := redis.NewClient(&redis.Options{Addr: engine.Addr()})
		store, _ := hostredis.New(hostredis.Config{Client: client})
		hosts, _ := hostmgr.New(hostmgr.Config[string]{})
		member, _ := share.New(share.Config[string]{Registry: hosts, Store: store})
		group.Go(func() error { return hosts.Run(ctx) })
		group.Go(func() error {
			defer func() { _ = client.Close() }()
			return member.Run(ctx)
		})
		return hosts, member
	}
	first, a := process()
	second, b := process()
	until := func(ok func() bool) {
		for !ok() {
			time.Sleep(time.Millisecond)
		}
	}

	until(func() bool { return a.Ready() && b.Ready() })
	_, _ = first.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
	until(func() bool { return second.Len() == 1 })
	fmt.Println("joined")
	_ = second.Leave(ctx, "a", 0)
	until(func() bool { return first.Len() == 0 })
	fmt.Println("left")

	cancel()
	fmt.Println("ended:", group.Wait())
	// Output:
	// joined
	// left
	// ended: <nil>
}
