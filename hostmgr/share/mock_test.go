package share_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// Members work with a clock.Mock, too. They need a few of its ticks for what an engine does in
// milliseconds.
func TestMembersOnAMock(t *testing.T) {
	mock := clock.NewMock()
	ctx, cancel := context.WithCancel(t.Context())
	store, ended := share.Memory(), make(chan error, 4)
	var hosts []*hostmgr.Registry[peer]
	var members []*share.Member[peer]
	for range 2 {
		r, err := hostmgr.New(hostmgr.Config[peer]{Clock: mock})
		require.NoError(t, err)
		m, err := share.New(share.Config[peer]{Registry: r, Store: store})
		require.NoError(t, err)
		go func() { ended <- r.Run(ctx) }()
		go func() { ended <- m.Run(ctx) }()
		hosts, members = append(hosts, r), append(members, m)
	}
	step := func(d time.Duration, until func() bool) {
		for range int(d / (100 * time.Millisecond)) {
			mock.Add(100 * time.Millisecond)
			if until() {
				return
			}
		}
	}
	step(time.Minute, func() bool { return members[0].Ready() && members[1].Ready() })
	require.True(t, members[0].Ready() && members[1].Ready())
	_, err := hosts[0].Announce(hostmgr.Announcement[peer]{ID: "h", Interval: interval})
	require.NoError(t, err)
	step(10*time.Second, func() bool { return hosts[1].Len() == 1 })
	require.Equal(t, 1, hosts[1].Len())
	step(time.Minute, func() bool { return hosts[0].Len()+hosts[1].Len() == 0 })
	require.Zero(t, hosts[0].Len()+hosts[1].Len())
	cancel()
	step(20*time.Second, func() bool { return len(ended) == 4 })
	for range 4 {
		require.NoError(t, <-ended)
	}
}
