package dragonfly_test

import (
	"context"
	"fmt"
	"testing"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/looplab/fsm"
	"github.com/stretchr/testify/require"
)

// These tests show defects of Dragonfly's own code, and that they are absent here. A fifth one is in
// package tasks. If Dragonfly removes one of them, its test says so.

// announce announces a host of Dragonfly's default interval.
func (m manager) announce(id string, kind types.HostType) {
	m.announceHost(id, func() *standard.Host { return newHostOf(kind, id) })
}

// onLeave stores a peer of a host that calls f each time the peer is to leave.
func onLeave(host *standard.Host, f func()) { onLeaveOf(host, "peer of "+host.ID, f) }

// onLeaveOf is onLeave for a peer with this id.
func onLeaveOf(host *standard.Host, id string, f func()) {
	task := standard.NewTask("task", "http://example.com", "", "", commonv2.TaskType_STANDARD, nil, nil, 0)
	peer := standard.NewPeer(id, task, host)
	peer.FSM = fsm.NewFSM("running",
		fsm.Events{{Name: standard.PeerEventLeave, Src: []string{"running"}, Dst: "running"}},
		fsm.Callbacks{"before_" + standard.PeerEventLeave: func(context.Context, *fsm.Event) { f() }})
	host.StorePeer(peer)
}

// forBoth calls test with each manager, and whether that has the defects.
func forBoth(t *testing.T, test func(t *testing.T, m manager, defective bool)) {
	t.Helper()
	for _, x := range managers {
		t.Run(x.name, func(t *testing.T) { test(t, x.open(t), x.name == "dragonfly") })
	}
}

func TestASeedThatIsHeardDuringRunGCIsNotLost(t *testing.T) {
	forBoth(t, func(t *testing.T, m manager, defective bool) {
		seed := newSeed("seed")
		onLeave(seed, func() { m.announce("seed", types.HostTypeSuperSeed) })
		age(seed, 3*interval)
		m.Store(seed)
		require.NoError(t, m.RunGC(t.Context()))
		_, loaded := m.Load("seed")
		require.True(t, loaded)
		require.Equal(t, defective, len(m.LoadAllSeeds()) == 0)
	})
}

func TestAHostIsThereAfterItsAnnounceIsAnswered(t *testing.T) {
	forBoth(t, func(t *testing.T, m manager, defective bool) {
		const other = types.HostType(2) // is neither normal nor a seed for Dragonfly
		host := newHostOf(other, "host")
		answered := false
		onLeave(host, func() {
			m.announce("host", other)
			answered = true
		})
		age(host, 3*interval)
		m.Store(host)
		require.NoError(t, m.RunGC(t.Context()))
		require.True(t, answered)
		_, loaded := m.Load("host")
		require.Equal(t, defective, !loaded)
	})
}

func TestPeersLeaveOnce(t *testing.T) {
	forBoth(t, func(t *testing.T, m manager, defective bool) {
		for _, kind := range []types.HostType{types.HostTypeNormal, types.HostTypeSuperSeed} {
			host, times := newHostOf(kind, kind.Name()), 0
			onLeave(host, func() { times++ })
			age(host, 3*interval)
			m.Store(host)
			for range 3 {
				require.NoError(t, m.RunGC(t.Context()))
			}
			require.Equal(t, map[bool]int{true: 2, false: 1}[defective], times)
		}
	})
}

func TestLoadRandomReturnsDifferentHosts(t *testing.T) {
	forBoth(t, func(t *testing.T, m manager, defective bool) {
		for i := range 1000 {
			m.Store(newHost(fmt.Sprint(i)))
		}
		seen := map[string]bool{}
		for range 100 {
			for _, host := range m.LoadRandom(10, noHosts) {
				seen[host.ID] = true
			}
		}
		// Of 1,000 draws from 1,000 hosts, 632 are different on average.
		require.Equal(t, defective, len(seen) == 10, len(seen))
		require.Equal(t, defective, len(seen) < 500, len(seen))
	})
}
