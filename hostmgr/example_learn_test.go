package hostmgr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Hosts are told an interval that keeps them all to a rate.
func ExampleCadence() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cadence: hostmgr.Cadence{Min: 10 * time.Second, Max: 5 * time.Minute, PerSecond: 20},
	})
	for i := range 1000 {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint("host-", i), Interval: 10 * time.Second})
	}
	lease, _ := hosts.Heartbeat("host-999", 0)
	fmt.Println("1000 hosts, 20 signs of life a second:", hosts.Stats().Advised)
	fmt.Println("told more than 10 s and at most that:", lease.Interval > 10*time.Second && lease.Interval <= 50*time.Second)
	// Output:
	// 1000 hosts, 20 signs of life a second: 50s
	// told more than 10 s and at most that: true
}

// A host that beats like clockwork is suspect soon; before much is known of it, it has time.
func ExampleAdaptive() {
	policy := hostmgr.Adaptive{}
	stranger := hostmgr.Pulse{Interval: 30 * time.Second}
	clockwork := hostmgr.Pulse{Interval: 30 * time.Second, Mean: 30 * time.Second, Deviation: 100 * time.Millisecond, Beats: 100}
	straggler := hostmgr.Pulse{Interval: 30 * time.Second, Mean: 40 * time.Second, Deviation: 10 * time.Second, Beats: 100}
	for _, p := range []hostmgr.Pulse{stranger, clockwork, straggler} {
		suspect, evict := policy.Patience(p)
		fmt.Println(suspect.Round(time.Second), evict.Round(time.Second))
	}
	// Output:
	// 1m9s 2m18s
	// 32s 1m5s
	// 1m32s 3m5s
}

// A second policy only counts: would twice the interval have been enough?
func ExampleConfig_shadow() {
	now := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Policy: hostmgr.Multiple(5), Shadow: hostmgr.Multiple(2), Clock: now,
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	now.Add(3 * time.Second)
	_, _ = hosts.Heartbeat("a", 0) // late, but there
	now.Add(6 * time.Second)
	hosts.Sweep(context.Background()) // gone

	s := hosts.Stats()
	fmt.Println("the policy evicted", s.Evicted)
	fmt.Println("the shadow would have evicted", s.Shadow.Evicted, "of which came back", s.Shadow.Returned)
	// Output:
	// the policy evicted 1
	// the shadow would have evicted 2 of which came back 1
}
