package hostmgr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A test moves a fake clock and sweeps. It needs no Run and does not sleep.
func Example_testing() {
	mock := clock.NewMock()
	tasks := map[uint64]string{} // by registration
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock: mock,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			delete(tasks, d.Host.Registration)
			return nil
		},
	})
	for id, task := range map[string]string{"a": "build", "b": "deploy"} {
		ack, _ := hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: 10 * time.Second})
		tasks[ack.Registration] = task
	}

	mock.Add(15 * time.Second)
	_, _ = hosts.Heartbeat("a", 0)
	mock.Add(10 * time.Second) // b is silent for 25 s, more than 2 x its interval
	rep := hosts.Sweep(context.Background())
	fmt.Println("evicted:", rep.Evicted, "tasks left:", slices.Collect(maps.Values(tasks)))
	// Output: evicted: 1 tasks left: [build]
}

// A cleanup that fails is tried again: the first time after 100 ms.
func ExampleConfig_cleanup() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Clock: mock,
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt == 1 {
				return errors.New("database is down")
			}
			fmt.Println("freed", d.Host.ID, "at attempt", d.Attempt)
			return nil
		},
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	fmt.Println(hosts.Leave(context.Background(), "a", 0))
	mock.Add(100 * time.Millisecond)
	hosts.Sweep(context.Background())
	// Output:
	// hostmgr: cleanup is pending: database is down
	// freed a at attempt 2
}

// Run says that it leaves a cleanup undone, and Drain does it. What is pending after that can be
// stored, and passed to Restore in the next process.
func Example_shutdown() {
	online := false
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if !online {
				return errors.New("database is down")
			}
			fmt.Println("freed", d.Host.ID)
			return nil
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- hosts.Run(ctx) }()
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	err := hosts.Leave(ctx, "a", 0)
	fmt.Println("pending:", errors.Is(err, hostmgr.ErrCleanupPending))

	stop()
	fmt.Println("undone:", errors.Is(<-stopped, hostmgr.ErrCleanupPending))
	online = true
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = hosts.Drain(last)
	fmt.Println("drained:", err, len(slices.Collect(hosts.Pending())))
	// Output:
	// pending: true
	// undone: true
	// freed a
	// drained: <nil> 0
}

// A scheduler notes that a host is full. The note is no contact: it does not keep the host alive.
// The map is copied, because snapshots of the host share it.
func ExampleRegistry_Update() {
	hosts, _ := hostmgr.New(hostmgr.Config[map[string]string]{})
	_, _ = hosts.Announce(hostmgr.Announcement[map[string]string]{ID: "a", Metadata: map[string]string{"rack": "7"}})
	before, _ := hosts.Get("a")

	err := hosts.Update("a", 0, func(labels map[string]string) map[string]string {
		labels = maps.Clone(labels)
		labels["full"] = "yes"
		return labels
	})
	after, _ := hosts.Get("a")
	fmt.Println(err, before.Metadata, after.Metadata, after.LastContact.Equal(before.LastContact))
	// Output: <nil> map[rack:7] map[full:yes rack:7] true
}

// A process stores its hosts. The next one restores them: each keeps its registration, and its
// silence starts again.
func ExampleRegistry_Restore() {
	old, _ := hostmgr.New(hostmgr.Config[string]{})
	ack, _ := old.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "10.0.0.1", Zone: "east"})
	var file bytes.Buffer
	for h := range old.All() {
		_ = json.NewEncoder(&file).Encode(h)
	}

	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	joined, err := hosts.Restore(readHosts(&file))
	h, _ := hosts.Get("a")
	fmt.Println("restored", joined, err)
	fmt.Println(h.ID, h.Metadata, h.Zone, h.State, h.Registration == ack.Registration)
	// Output:
	// restored 1 <nil>
	// a 10.0.0.1 east alive true
}

func readHosts(r io.Reader) iter.Seq[hostmgr.Host[string]] {
	return func(yield func(hostmgr.Host[string]) bool) {
		for d := json.NewDecoder(r); ; {
			var h hostmgr.Host[string]
			if d.Decode(&h) != nil || !yield(h) {
				return
			}
		}
	}
}

// Deviations is a policy that evicts a host when its silence is so many standard deviations above
// the mean gap between its contacts, or after two intervals until 8 gaps are known.
type Deviations float64

func (d Deviations) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	if h.Count < 8 {
		return 0, 2 * h.Interval
	}
	evict = h.Mean + time.Duration(float64(h.Deviation)*float64(d))
	return 0, max(evict, h.Interval) // an earlier eviction is not valid
}

func (Deviations) NeedsHistory() bool { return true }

// A history policy is asked again after each contact.
func ExampleHistoryPolicy() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock, Policy: Deviations(4)})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Second})
	for i := range 9 {
		h, _ := hosts.Get("a")
		if i == 0 || i == 8 {
			fmt.Println("after", i, "gaps: timeout", h.EvictAt.Sub(h.LastContact).Round(time.Second))
		}
		mock.Add(time.Duration(9+2*(i%2)) * time.Second) // 9 s and 11 s in turn
		_, _ = hosts.Heartbeat("a", 0)
	}
	// Output:
	// after 0 gaps: timeout 20s
	// after 8 gaps: timeout 14s
}

// A handler stores a row for a host that has just joined. The host may leave at this moment. Its
// cleanup waits until the row is there, and deletes it.
func ExampleRegistry_While() {
	rows := map[uint64]string{} // of a database, by registration
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			delete(rows, d.Host.Registration)
			return nil
		},
	})
	ack, _ := hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	store := func() error {
		rows[ack.Registration] = "a row"
		return nil
	}
	fmt.Println(hosts.While("a", ack.Registration, store), len(rows))
	fmt.Println(hosts.Leave(context.Background(), "a", 0), len(rows))
	fmt.Println(hosts.While("a", ack.Registration, store), len(rows))
	// Output:
	// <nil> 1
	// <nil> 0
	// hostmgr: unknown host 0
}
