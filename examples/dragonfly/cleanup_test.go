package dragonfly_test

import (
	"fmt"
	"testing"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly"
)

// Peers that cannot leave hold up neither the others nor the next host with the same id.
func TestAllPeersLeaveAlthoughSomePanic(t *testing.T) {
	for _, log := range []bool{true, false} {
		h := newHosts(t, dragonfly.Options{})
		for range 2 {
			host, left := newHost("a"), 0
			for i := range 20 {
				onLeaveOf(host, fmt.Sprint(i), func() {
					left++
					if i%2 == 0 {
						panic("it cannot leave")
					}
				})
			}
			host.Peers.Store("broken", &standard.Peer{ID: "broken"})
			host.Peers.Store("invalid", "invalid")
			if !log {
				host.Log = nil
			}
			age(host, 3*interval)
			h.Store(host)
			require.NoError(t, h.RunGC(t.Context()))
			require.Equal(t, 20, left)
			require.Zero(t, h.Registry().Stats().Cleanup.Pending)
		}
	}
}

// A host that Dragonfly takes is cleaned up, whatever it lacks.
func TestAHostWithoutPeersAndLogIsEvicted(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	host := newHost("a")
	host.Peers, host.Log = nil, nil
	age(host, 3*interval)
	h.Store(host)
	require.NoError(t, h.RunGC(t.Context()))
	require.Zero(t, h.Len())
	require.Zero(t, h.Registry().Stats().Cleanup.Pending)
}
