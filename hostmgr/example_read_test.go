package hostmgr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A status page shows how many hosts there are, how they departed, and how long it took to notice
// that a host was silent.
func ExampleRegistry_Stats() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	for _, id := range []string{"a", "b", "c"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Zone: "east", Interval: 10 * time.Second})
	}
	_ = hosts.Leave(context.Background(), "a", 0)
	mock.Add(16 * time.Second)
	_, _ = hosts.Heartbeat("b", 0)
	mock.Add(5 * time.Second)
	hosts.Sweep(context.Background()) // c is silent

	st := hosts.Stats()
	fmt.Println("hosts:", st.Hosts, "left:", st.Departures.Left, "evicted:", st.Departures.Evicted)
	fmt.Println("evicted in the last 5 minutes:", st.Lost.Evicted, "of", st.Lost.Of)
	fmt.Println("from the last contact to the eviction:", st.Latency.Detection.Max)
	fmt.Println("zone", st.Zones[0].Name, "has", st.Zones[0].Hosts)
	// Output:
	// hosts: 1 left: 1 evicted: 1
	// evicted in the last 5 minutes: 1 of 2
	// from the last contact to the eviction: 21s
	// zone east has 1
}

// An operator asks afterwards why hosts departed. The latest comes first.
func ExampleRegistry_Departures() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	for _, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: 10 * time.Second})
	}
	_ = hosts.Leave(context.Background(), "a", 0)
	mock.Add(21 * time.Second)
	hosts.Sweep(context.Background())
	for d := range hosts.Departures() {
		fmt.Println(d.At.UTC().Format("04:05"), d.Host.ID, d.Kind, "-", d.Reason())
	}
	// Output:
	// 00:21 b evicted - silent for 21s, timeout 20s at an interval of 10s
	// 00:00 a left - it left
}

// A scheduler counts the seeds, which have a zone of their own, without going through all hosts.
func ExampleRegistry_InZone() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "seed", Zone: "seeds", Metadata: "10.0.0.1"})
	for n := range 100 {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint("peer ", n), Zone: "peers"})
	}
	for h := range hosts.InZone("seeds") {
		fmt.Println(h.ID, h.Metadata, h.State)
	}
	// Output: seed 10.0.0.1 alive
}
