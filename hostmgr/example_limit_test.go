package hostmgr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Six of ten hosts fall silent at once. That is more likely a partition of the network than six
// crashes, so the hosts are held, for at most 10 minutes.
func ExampleEvictionLimit() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock:         mock,
		EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, MaxHold: 10 * time.Minute},
	})
	for n := range 10 {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint(n), Interval: time.Minute})
	}
	wait := func(minutes int) hostmgr.SweepReport {
		for range minutes {
			mock.Add(time.Minute)
			for n := range 4 { // the others are silent
				_, _ = hosts.Heartbeat(fmt.Sprint(n), 0)
			}
		}
		return hosts.Sweep(context.Background())
	}

	rep := wait(3)
	silent, _ := hosts.Get("9")
	fmt.Println("evicted:", rep.Evicted, "held:", rep.Held)
	fmt.Println(silent.State, "but held:", silent.Hold)
	fmt.Println("evicted 10 minutes later:", wait(10).Evicted)
	// Output:
	// evicted: 0 held: 6
	// offline but held: eviction limit: 6 of 10 hosts of zone "" are missing
	// evicted 10 minutes later: 6
}
