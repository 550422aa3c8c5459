package dragonfly

import (
	"context"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/hostmgr"
)

// cleanUp is called once for each host that was evicted. What Delete removes has none. It never
// fails: a cleanup that is repeated would hold up the next cleanup of the same id.
func (h *Hosts) cleanUp(_ context.Context, d hostmgr.Departure[Stored]) error {
	h.dropSeed(d.Host.Metadata.ID)
	host := d.Host.Metadata.Host
	if host.Log != nil {
		host.Log.Infof("host is evicted, causing the host to leave peers: %s", d.Reason())
	}
	if host.Peers != nil {
		host.Peers.Range(func(id, peer any) bool {
			letLeave(host, id, peer)
			return true
		})
	}
	return nil
}

// letLeave does for one peer what Host.LeavePeers does for all of them. A panic of one peer does not
// keep the others.
func letLeave(host *standard.Host, id, value any) {
	defer func() {
		if cause := recover(); cause != nil && host.Log != nil {
			host.Log.Errorf("peer %v panics when it leaves: %v", id, cause)
		}
	}()
	peer := value.(*standard.Peer)
	if peer.Log != nil {
		peer.Log.Info("host leaves peers, causing the peer to leave")
	}
	if err := peer.FSM.Event(context.Background(), standard.PeerEventLeave); err != nil && peer.Log != nil {
		peer.Log.Errorf("peer fsm event failed: %s", err.Error())
	}
}
