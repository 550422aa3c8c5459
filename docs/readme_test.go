package docs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
	"github.com/hostlife/hostlife/hostmgr/hosttest"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// The code of README.md is in these functions. The first program of README.md has a test of its own.

type Peer struct{ Address string }

// A host calls the RPCs of a service through a client.
func runHost(ctx context.Context, client interface {
	Announce(context.Context, hostmgr.Announcement[Peer]) (hostmgr.Ack, error)
	Heartbeat(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error)
	Leave(ctx context.Context, id string, incarnation uint64) error
}, id, machineID string, describe func() Peer, registerReplicas func(context.Context, hostmgr.Ack) error) error {
	host, err := announcer.New(announcer.Config[Peer]{
		ID: id, Speaker: machineID, Metadata: describe, // a func() Peer
		Announce: client.Announce, Heartbeat: client.Heartbeat, Leave: client.Leave,
		Joined: registerReplicas, // in each new registration, also after the registry restarted
	})
	if err != nil {
		return err
	}
	return host.Run(ctx) // announces the host until ctx ends, then leaves
}

func storeRow(ctx context.Context, hosts *hostmgr.Registry[Peer], db interface {
	Insert(ctx context.Context, registration uint64, row string) error
}, id string, ack hostmgr.Ack, row string) error {
	err := hosts.While(id, ack.Registration, func() error {
		return db.Insert(ctx, ack.Registration, row)
	})
	return err
}

func runReplica(ctx context.Context, group *errgroup.Group, hosts *hostmgr.Registry[Peer], store share.Store, hostname string) error {
	member, err := share.New(share.Config[Peer]{Registry: hosts, Store: store, Name: hostname})
	if err != nil {
		return err
	}
	group.Go(func() error { return hosts.Run(ctx) })
	group.Go(func() error { return member.Run(ctx) }) // a member until ctx ends
	return nil
}

func TestEviction(t *testing.T) {
	freed := make(chan string, 1)
	hosts := hosttest.Run(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			freed <- d.Host.ID
			return nil
		},
	})
	_, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Minute})
	require.NoError(t, err)

	hosts.Advance(2 * time.Minute)
	require.Equal(t, 1, hosts.Len()) // due after, not at, 2 x interval
	hosts.Advance(1)
	require.Zero(t, hosts.Len())
	require.Equal(t, "a", <-freed)
}

func shutdown(group *errgroup.Group, hosts *hostmgr.Registry[Peer]) ([]hostmgr.Host[Peer], []hostmgr.Departure[Peer], error) {
	err := group.Wait() // an errgroup of hosts.Run and of the servers
	if errors.Is(err, hostmgr.ErrCleanupPending) {
		err = nil // Drain does the cleanups, or says how many are left
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(err, hosts.Drain(last)) // evicts no host
	saved, owed := slices.Collect(hosts.All()), slices.Collect(hosts.Pending())
	return saved, owed, err
}

var _ = []any{runHost, storeRow, runReplica, shutdown, useHosts}

func useHosts(hosts *hostmgr.Registry[Peer], id, task string, assign func(string, hostmgr.Host[Peer])) {
	if h, ok := hosts.Get(id); ok && h.State < hostmgr.StateSuspect {
		assign(task, h) // h is alive, or a little late
	}
	for h := range hosts.All() {
		fmt.Println(h.ID, h.State, h.LastContact)
	}
}
