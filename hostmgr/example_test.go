package hostmgr_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// One host leaves, another falls silent. Each is cleaned up once.
func Example() {
	mock := clock.NewMock() // without a Clock it is the system's
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock: mock,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			fmt.Printf("%s %s after %v of silence: free %s\n", d.Host.ID, d.Kind, d.Silence, d.Host.Metadata)
			return nil
		},
	})
	for _, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Metadata: "cache of " + id, Interval: time.Second})
	}

	_ = hosts.Leave(context.Background(), "a", 0)
	mock.Add(2*time.Second + 1) // more than 2 x its interval
	hosts.Sweep(context.Background())
	fmt.Println(hosts.Len(), "hosts")
	// Output:
	// a left after 0s of silence: free cache of a
	// b evicted after 2.000000001s of silence: free cache of b
	// 0 hosts
}

// Run sweeps at each deadline, until its context ends.
func ExampleRegistry_Run() {
	evicted := make(chan string)
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			evicted <- d.Host.ID
			return nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- hosts.Run(ctx) }()

	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Millisecond})
	fmt.Println("evicted:", <-evicted)
	cancel()
	fmt.Println("stopped:", <-stopped)
	// Output:
	// evicted: a
	// stopped: <nil>
}

// Without Run, a loop asks Next when to sweep.
func ExampleRegistry_Next() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	for i, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Duration(i+1) * time.Second})
	}
	for next, ok := hosts.Next(); ok; next, ok = hosts.Next() {
		mock.Set(next) // or wait until then
		rep := hosts.Sweep(context.Background())
		fmt.Println(rep.At.UTC().Format("05.000"), "suspected", rep.Suspected, "evicted", rep.Evicted)
	}
	// Output:
	// 01.500 suspected 1 evicted 0
	// 02.000 suspected 0 evicted 1
	// 03.000 suspected 1 evicted 0
	// 04.000 suspected 0 evicted 1
}

// A host that restarted has a new incarnation. A delayed leave of the old one has no effect.
func ExampleRegistry_Leave_incarnation() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	first, _ := hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: first.Incarnation + 1})

	err := hosts.Leave(context.Background(), "a", first.Incarnation)
	fmt.Println(errors.Is(err, hostmgr.ErrStale), hosts.Len())
	// Output: true 1
}

// A watcher gets the current hosts, EventSynced, and then every change.
func ExampleRegistry_Watch() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	for e := range hosts.Watch(context.Background()) {
		fmt.Printf("%v %q\n", e.Kind, e.Host.ID)
		switch e.Kind {
		case hostmgr.EventSynced:
			_ = hosts.Leave(context.Background(), "a", 0)
		case hostmgr.EventDeparted:
			fmt.Println(e.Departure.Reason())
			return
		}
	}
	// Output:
	// joined "a"
	// synced ""
	// departed "a"
	// it left
}

// Tiered tells jitter from a host that is really offline.
func ExampleTiered() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock, Policy: hostmgr.Tiered{}})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Second})
	for _, silence := range []time.Duration{10, 29, 41, 311} {
		mock.Set(time.Unix(0, 0).Add(silence * time.Second))
		h, _ := hosts.Get("a")
		fmt.Println(silence*time.Second, h.State)
	}
	// Output:
	// 10s alive
	// 29s late
	// 41s suspect
	// 5m11s offline
}

// AtLeast is a custom policy: twice the interval, but at least a minute. It never suspects a host.
type AtLeast time.Duration

func (a AtLeast) Timeouts(p hostmgr.History) (suspect, evict time.Duration) {
	return 0, max(2*p.Interval, time.Duration(a))
}

// A policy of your own is one method.
func ExamplePolicy() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Policy: AtLeast(time.Minute)})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	h, _ := hosts.Get("a")
	fmt.Println(h.EvictAt.Sub(h.LastContact))
	// Output: 1m0s
}

// Confirm is asked before an eviction: here, by a last probe.
func ExampleConfig_confirm() {
	probe := func(id string) bool { return id == "a" }
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock: mock,
		Confirm: func(_ context.Context, due []hostmgr.Host[string]) (may []hostmgr.Host[string], err error) {
			for _, h := range due {
				if !probe(h.ID) {
					may = append(may, h)
				}
			}
			return may, nil
		},
	})
	for _, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Second})
	}
	mock.Add(time.Minute)
	rep := hosts.Sweep(context.Background())
	a, _ := hosts.Get("a")
	fmt.Println("evicted", rep.Evicted, "held", rep.Held, a.Hold)
	// Output: evicted 1 held 1 refused by Confirm
}

// A scheduler picks parents among the alive hosts.
func ExampleRegistry_Sample() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	for _, id := range []string{"a", "b", "c"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id})
	}
	notMe := func(h hostmgr.Host[string]) bool { return h.ID != "a" }
	fmt.Println(len(hosts.Sample(2, notMe)), len(hosts.Sample(9, notMe)))
	// Output: 2 2
}
