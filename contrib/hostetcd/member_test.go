package hostetcd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A host announces itself to one member, and leaves at another one. Both see it.
func TestMembersShareHosts(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var registries []*hostmgr.Registry[Peer]
	var ended []chan error
	for range 2 {
		hosts, err := hostmgr.New(hostmgr.Config[Peer]{})
		require.NoError(t, err)
		member, err := share.New(share.Config[Peer]{Registry: hosts, Store: storeIn(t, c.client(), "shared")})
		require.NoError(t, err)
		for _, run := range []func(context.Context) error{hosts.Run, member.Run} {
			done := make(chan error, 1)
			go func() { done <- run(ctx) }()
			ended = append(ended, done)
		}
		soon(t, member.Ready)
		registries = append(registries, hosts)
	}
	a, b := registries[0], registries[1]
	_, err := a.Announce(hostmgr.Announcement[Peer]{ID: "host", Metadata: Peer{"10.0.0.9:80"}, Interval: time.Second})
	require.NoError(t, err)
	soon(t, func() bool { m, ok := b.Metadata("host"); return ok && m.Address == "10.0.0.9:80" })
	require.NoError(t, b.Leave(t.Context(), "host", 0))
	soon(t, func() bool { return a.Len() == 0 })
	cancel()
	for _, done := range ended {
		require.NotErrorIs(t, <-done, share.ErrNoGoodbye)
	}
}

func soon(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, longWait, 10*time.Millisecond)
}
