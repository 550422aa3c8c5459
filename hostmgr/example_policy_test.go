package hostmgr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// ByZone is a policy that gives hosts at the edge twice the time, and flapping hosts less: a host
// that was evicted three times lately, and came back, is soon evicted again.
type ByZone struct{}

func (ByZone) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	evict = 3 * h.Interval
	if h.Zone == "edge" {
		evict *= 2
	}
	if h.Evictions >= 3 {
		evict = 3 * h.Interval / 2
	}
	return 0, evict
}

// NeedsHistory makes the registry tell the evictions of each host. The zone comes in any case.
func (ByZone) NeedsHistory() bool { return true }

// A policy may know the zone of a host, and how often it was evicted lately.
func ExampleHistory() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock, Policy: ByZone{}})
	timeout := func(id, zone string) time.Duration {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: 10 * time.Second})
		h, _ := hosts.Get(id)
		return h.EvictAt.Sub(h.LastContact)
	}
	fmt.Println("core:", timeout("a", "core"))
	fmt.Println("edge:", timeout("b", "edge"))
	for range 3 {
		mock.Add(2 * time.Minute)
		hosts.Sweep(context.Background())
		timeout("b", "edge") // it comes back
	}
	fmt.Println("flapping:", timeout("b", "edge"), hosts.Stats().Flapping[0].Evictions)
	// Output:
	// core: 30s
	// edge: 1m0s
	// flapping: 15s 3
}
