package schedulerd_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/stretchr/testify/require"
)

// finds answers with one registration after the other; 0 is none.
func finds(registrations ...uint64) func() (uint64, bool) {
	return func() (uint64, bool) {
		registration := registrations[0]
		registrations = registrations[1:]
		return registration, registration != 0
	}
}

// What register must get right is the order of four things: its two looks, its
// put, and the departure with its cleanup. These are all the orders.
func TestRegisterAgainstDeparture(t *testing.T) {
	t.Run("no departure", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		require.NoError(t, s.Register(finds(7, 7), "h", "p"))
		require.Equal(t, 1, s.Len())
		require.Equal(t, 1, s.Free("h", 7))
		require.Zero(t, s.Len())
	})
	t.Run("departed and cleaned before", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		require.Error(t, s.Register(finds(0), "h", "p"))
		require.Zero(t, s.Len())
	})
	t.Run("departed and cleaned between look and put", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		look := finds(7, 0)
		require.Error(t, s.Register(func() (uint64, bool) {
			defer s.Free("h", 7)
			return look()
		}, "h", "p"))
		require.Zero(t, s.Len())
	})
	t.Run("departed before the second look, cleaned after it", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		require.Error(t, s.Register(finds(7, 0), "h", "p"))
		require.Zero(t, s.Len())
		require.Zero(t, s.Free("h", 7))
	})
	t.Run("a newer registration came in between and registered", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		require.NoError(t, s.Register(finds(8, 8), "h", "new"))
		require.Error(t, s.Register(finds(7), "h", "old"))
		require.Zero(t, s.Free("h", 7), "the cleanup of the old registration frees what is the new one's")
		require.Equal(t, 1, s.Len())
	})
	t.Run("a newer registration takes the place of an uncleaned one", func(t *testing.T) {
		s := schedulerd.NewPeerStore()
		require.NoError(t, s.Register(finds(7, 7), "h", "old"))
		require.NoError(t, s.Register(finds(8, 8), "h", "new"))
		require.Equal(t, 1, s.Len())
	})
}

// With a registry that runs and many goroutines that announce, register and
// leave, or fall silent, nothing is left in the end.
func TestRegisterRacesDeparture(t *testing.T) {
	s := schedulerd.NewPeerStore()
	hosts, err := hostmgr.New(hostmgr.Config[*commonv2.Host]{
		Policy: hostmgr.Fixed(1.1),
		Cleanup: func(_ context.Context, d hostmgr.Departure[*commonv2.Host]) error {
			s.Free(d.Host.ID, d.Host.Registration)
			return nil
		},
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var run, work sync.WaitGroup
	run.Go(func() { _ = hosts.Run(ctx) })
	registered := make([]int, 16)
	for g := range registered {
		work.Go(func() { registered[g] = churn(hosts, s, g) })
	}
	work.Wait()
	require.Eventually(t, func() bool { return hosts.Len() == 0 && hosts.Stats().Cleanup.Pending == 0 },
		longWait, time.Millisecond)
	stop()
	run.Wait()
	require.Zero(t, s.Len(), "peers of hosts that are gone")
	for _, n := range registered {
		require.Positive(t, n)
	}
}

// churn shares four hosts among all goroutines, so that they depart under each
// other's hands.
func churn(hosts *hostmgr.Registry[*commonv2.Host], s schedulerd.PeerStore, g int) (registered int) {
	id := fmt.Sprintf("host-%d", g%4)
	find := func() (uint64, bool) {
		h, ok := hosts.Get(id)
		return h.Registration, ok
	}
	for i := range 2000 {
		switch {
		case i%3 == 0:
			_, _ = hosts.Announce(hostmgr.Announcement[*commonv2.Host]{ID: id, Interval: 10 * time.Millisecond})
		case i%7 == 0 && g%2 == 0: // the others leave it to the sweeps
			_ = hosts.Leave(context.Background(), id, 0)
		}
		if s.Register(find, id, fmt.Sprint(i%50)) == nil {
			registered++
		}
	}
	return registered
}
