package docs_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// The code of several-replicas.md is here.

func TestAHostRoamsAmongReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		group, ctx := errgroup.WithContext(ctx)
		store, freed := share.Memory(), make(chan uint64, 2)
		var replicas [2]*hostmgr.Registry[string]
		var members [2]*share.Member[string]
		for n := range replicas {
			var err error
			replicas[n], err = hostmgr.New(hostmgr.Config[string]{})
			require.NoError(t, err)
			members[n], err = share.New(share.Config[string]{
				Registry: replicas[n], Store: store,
				Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
					freed <- d.Host.Registration
					return nil
				},
			})
			require.NoError(t, err)
			group.Go(func() error { return replicas[n].Run(ctx) })
			group.Go(func() error { return members[n].Run(ctx) })
		}
		time.Sleep(time.Second) // in a bubble it returns at once
		require.True(t, members[0].Ready() && members[1].Ready())

		ack, err := replicas[0].Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Second})
		require.NoError(t, err)
		for n := range 10 { // it would be evicted after 20 s, if each replica judged it alone
			time.Sleep(10 * time.Second)
			_, err := replicas[1-n/5].Heartbeat("a", 0)
			require.NoError(t, err)
		}
		require.Empty(t, freed)
		time.Sleep(30 * time.Second) // silent to both
		require.Zero(t, replicas[0].Len()+replicas[1].Len())
		require.Len(t, freed, 1, "only one of the two frees it")
		require.Equal(t, ack.Registration, <-freed)

		stop()
		require.NoError(t, group.Wait())
	})
}
