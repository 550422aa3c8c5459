package hostmgr_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// The registry advises an interval that keeps all hosts together to a rate.
func ExamplePacing() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Pacing: hostmgr.Pacing{Min: 10 * time.Second, Max: 5 * time.Minute, PerSecond: 20},
	})
	for i := range 1000 {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: fmt.Sprint("host-", i), Interval: 10 * time.Second})
	}
	ack, _ := hosts.Heartbeat("host-999", 0)
	fmt.Println("1000 hosts, 20 contacts a second:", hosts.Stats().AdvisedInterval)
	fmt.Println("more than 10 s and at most that:", ack.Interval > 10*time.Second && ack.Interval <= 50*time.Second)
	// Output:
	// 1000 hosts, 20 contacts a second: 50s
	// more than 10 s and at most that: true
}

// Hosts with regular heartbeats are suspected sooner, irregular and unknown ones later.
func ExamplePhiAccrual() {
	policy := hostmgr.PhiAccrual{}
	unknown := hostmgr.History{Interval: 30 * time.Second}
	regular := hostmgr.History{Interval: 30 * time.Second, Mean: 30 * time.Second, Deviation: 100 * time.Millisecond, Count: 100}
	irregular := hostmgr.History{Interval: 30 * time.Second, Mean: 40 * time.Second, Deviation: 10 * time.Second, Count: 100}
	for _, p := range []hostmgr.History{unknown, regular, irregular} {
		suspect, evict := policy.Timeouts(p)
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
		Policy: hostmgr.Fixed(5), Shadow: hostmgr.Fixed(2), Clock: now,
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
	now.Add(3 * time.Second)
	_, _ = hosts.Heartbeat("a", 0) // late
	now.Add(6 * time.Second)
	hosts.Sweep(context.Background()) // evicts it

	s := hosts.Stats()
	fmt.Println("the policy evicted", s.Departures.Evicted)
	fmt.Println("the shadow would have evicted", s.Shadow.Evictions, "of which rejoined", s.Shadow.Rejoined)
	// Output:
	// the policy evicted 1
	// the shadow would have evicted 2 of which rejoined 1
}
