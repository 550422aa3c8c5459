package hostmgr_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A host announces itself when the registry does not know it: at first, and after the registry has
// restarted. A real host also repeats calls that fail: package announcer does all of this.
func ExampleRegistry_Heartbeat() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	host := hostmgr.Announcement[string]{
		ID: "a", Metadata: "10.0.0.1:4000", Interval: 10 * time.Second,
		Incarnation: uint64(mock.Now().UnixNano()) + 1, // the process that started later has the greater one
	}
	for n := range 5 {
		if n == 3 { // the registry restarts, and has forgotten its hosts
			hosts, _ = hostmgr.New(hostmgr.Config[string]{Clock: mock})
		}
		ack, err := hosts.Heartbeat(host.ID, host.Incarnation) // an RPC, in a real host
		if errors.Is(err, hostmgr.ErrUnknownHost) {
			ack, err = hosts.Announce(host)
			fmt.Println(mock.Now().UTC().Format("05"), "announced")
		}
		if errors.Is(err, hostmgr.ErrStale) {
			return // another process has the id, and is newer
		}
		mock.Add(ack.Interval) // wait
	}
	fmt.Println(mock.Now().UTC().Format("05"), "hosts:", hosts.Len())
	// Output:
	// 00 announced
	// 30 announced
	// 50 hosts: 1
}

// A gateway passes on the heartbeats that it has collected. Hosts that are not registered must
// announce themselves.
func ExampleRegistry_Heartbeats() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "c", Interval: time.Second})

	ids := []string{"a", "b", "c"}
	acks, errs := make([]hostmgr.Ack, len(ids)), make([]error, len(ids)) // used again for the next batch
	hosts.Heartbeats(ids, acks, errs)
	for i, id := range ids {
		if errors.Is(errs[i], hostmgr.ErrUnknownHost) {
			fmt.Println(id, "must announce itself")
			continue
		}
		fmt.Println(id, "sends the next one in", acks[i].Interval)
	}
	// Output:
	// a sends the next one in 1m0s
	// b must announce itself
	// c sends the next one in 1s
}

// Leave returns when the host is gone, and its cleanup is done.
func ExampleRegistry_Leave() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			fmt.Println("free", d.Host.Metadata)
			return nil
		},
	})
	ack, _ := hosts.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "cache of a", Incarnation: 7})
	fmt.Println("left:", hosts.Leave(context.Background(), "a", ack.Incarnation))

	_, err := hosts.Heartbeat("a", ack.Incarnation) // it was delayed, and brings nothing back
	fmt.Println(err)
	// Output:
	// free cache of a
	// left: <nil>
	// hostmgr: unknown host
}

// A proxy learned 20 s ago that a host is alive. That protects the host from then on, not from now
// on.
func ExampleRegistry_Observe() {
	mock := clock.NewMock()
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: mock})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 30 * time.Second})
	mock.Add(50 * time.Second)
	err := hosts.Observe("a", 0, 20*time.Second)
	a, _ := hosts.Get("a")
	fmt.Println(err, "last contact at", a.LastContact.UTC().Format("04:05"), "evicted after", a.EvictAt.UTC().Format("04:05"))
	// Output: <nil> last contact at 00:30 evicted after 01:30
}

// A health check has failed, so the service ends the registration, whatever the silence of the
// host.
func ExampleRegistry_Evict() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			fmt.Println(d.Host.ID, d.Kind, "because", d.Judgement)
			return nil
		},
	})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	fmt.Println(hosts.Evict(context.Background(), "a", 0, "its disk is full"), hosts.Len())
	// Output:
	// a evicted because its disk is full
	// <nil> 0
}

// Two machines were started with one id. The one that came last keeps the id.
func ExampleAnnouncement_speaker() {
	hosts, _ := hostmgr.New(hostmgr.Config[string]{})
	announce := func(machine string, incarnation uint64) error {
		_, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a", Speaker: machine, Incarnation: incarnation})
		return err
	}
	fmt.Println(announce("machine 1", 1), announce("machine 2", 2))
	fmt.Println(announce("machine 1", 1))
	fmt.Println("conflicts:", hosts.Stats().Conflicts)
	// Output:
	// <nil> <nil>
	// hostmgr: the incarnation is older than the current one, or has ended
	// conflicts: 1
}
