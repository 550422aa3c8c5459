package share_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const benchHosts = 100_000

// A benched is a registry under Run that may be a member, in real time.
type benched struct {
	hosts  *hostmgr.Registry[string]
	member *share.Member[string]
	end    context.CancelFunc
	ended  chan error
}

func bench(b *testing.B, store share.Store) *benched {
	x := &benched{ended: make(chan error, 2)}
	var err error
	x.hosts, err = hostmgr.New(hostmgr.Config[string]{})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	x.end = cancel
	go func() { x.ended <- x.hosts.Run(ctx) }()
	if store == nil {
		x.ended <- nil
		return x
	}
	x.member, err = share.New(share.Config[string]{Registry: x.hosts, Store: store})
	require.NoError(b, err)
	go func() { x.ended <- x.member.Run(ctx) }()
	return x
}

func (x *benched) stop(b *testing.B) {
	x.end()
	require.NoError(b, <-x.ended)
	require.NoError(b, <-x.ended)
}

func (x *benched) announce(b *testing.B, ids []string) {
	for _, id := range ids {
		_, err := x.hosts.Announce(hostmgr.Announcement[string]{ID: id, Metadata: "10.0.0.1:8002", Interval: time.Hour})
		require.NoError(b, err)
	}
}

// await waits until all registries have as many hosts.
func await(b *testing.B, n int, all ...*benched) {
	for _, x := range all {
		for limit := time.Now().Add(time.Minute); x.hosts.Len() != n; time.Sleep(time.Millisecond) {
			require.True(b, time.Now().Before(limit), "%d of %d hosts", x.hosts.Len(), n)
		}
	}
}

func benchIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("host-", i)
	}
	return ids
}

// BenchmarkHeartbeat compares the heartbeats of a registry that is alone with those of one that is
// shared: as a keeper, and as a member that mirrors the host.
func BenchmarkHeartbeat(b *testing.B) {
	ids := benchIDs(benchHosts)
	run := func(b *testing.B, x *benched) {
		i := 0
		for b.Loop() {
			_, _ = x.hosts.Heartbeat(ids[i%len(ids)], 0)
			i += 7919
		}
	}
	b.Run("alone", func(b *testing.B) {
		x := bench(b, nil)
		x.announce(b, ids)
		run(b, x)
		x.stop(b)
	})
	for _, mirrored := range []bool{false, true} {
		b.Run(map[bool]string{false: "keeper", true: "mirrored"}[mirrored], func(b *testing.B) {
			store := share.Memory()
			keeper, other := bench(b, store), bench(b, store)
			keeper.announce(b, ids)
			await(b, len(ids), keeper, other)
			if mirrored {
				run(b, other)
			} else {
				run(b, keeper)
			}
			keeper.stop(b)
			other.stop(b)
		})
	}
}

// BenchmarkJoin is the join of a host at one of three members, until all three have it.
func BenchmarkJoin(b *testing.B) {
	store := share.Memory()
	all := []*benched{bench(b, store), bench(b, store), bench(b, store)}
	ids := benchIDs(b.N)
	for _, x := range all {
		for !x.member.Ready() {
			time.Sleep(time.Millisecond)
		}
	}
	b.ResetTimer()
	all[0].announce(b, ids)
	await(b, len(ids), all...)
	b.StopTimer()
	for _, x := range all {
		x.stop(b)
	}
}

// BenchmarkSnapshot is the time until a member that begins has 100,000 hosts.
func BenchmarkSnapshot(b *testing.B) {
	store := share.Memory()
	first := bench(b, store)
	first.announce(b, benchIDs(benchHosts))
	require.NoError(b, first.member.Flush(b.Context()))
	for b.Loop() {
		x := bench(b, store)
		await(b, benchHosts, x)
		b.StopTimer()
		x.stop(b)
		b.StartTimer()
	}
	first.stop(b)
}
