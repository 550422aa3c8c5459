package dragonfly

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/hostmgr"
)

// Store stores a host, or replaces the one with its id. A replaced host keeps its peers, as in
// Dragonfly. The host was last heard at its UpdatedAt, or at the last contact of its id, if that is
// later. Without UpdatedAt it is heard now.
func (h *Hosts) Store(host *standard.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store(host)
}

// LoadOrStore returns the host with this id and true, or else stores the given host and returns it
// and false. Of several concurrent calls for one id, one stores.
func (h *Hosts) LoadOrStore(host *standard.Host) (*standard.Host, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if current, ok := h.Load(host.ID); ok {
		return current, true
	}
	h.store(host)
	return host, false
}

// Delete removes a host. Its peers do not leave: LeaveHost and DeleteHost of Dragonfly have deleted
// them before, by PeerManager.DeleteAllByHostID.
func (h *Hosts) Delete(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.registry.Forget(key(id), 0) // ErrUnknownHost: there is none
	h.seeds.Delete(id)
}

// store needs mu.
func (h *Hosts) store(host *standard.Host) {
	switch {
	case !h.announce(host, host.Type):
	case host.Type == types.HostTypeSuperSeed:
		h.seeds.Store(host.ID, nil)
	default:
		h.seeds.Delete(host.ID)
	}
}

// announce reports whether the registry has taken the host. It needs mu. The registry refuses only an
// id that its ForgetFor keeps out: see key and interval.
func (h *Hosts) announce(host *standard.Host, as types.HostType) bool {
	interval, early := h.interval(host)
	_, err := h.registry.Announce(hostmgr.Announcement[Stored]{
		ID:          key(host.ID),
		Metadata:    Stored{host, as},
		Interval:    interval,
		Zone:        as.Name(),
		LastContact: h.lastContact(host).Add(-early),
	})
	if err != nil && host.Log != nil {
		host.Log.Errorf("host is not registered: %s", err.Error())
	}
	return err == nil
}

const (
	maxID  = 1 << 10 // bytes, of the registry
	hashed = "sha256:"
)

// key returns the id by which the registry knows a host: the same, or a hash of ids that the
// registry refuses. Dragonfly takes any.
func key(id string) string {
	if id != "" && len(id) <= maxID && !strings.HasPrefix(id, hashed) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hashed + hex.EncodeToString(sum[:])
}

// idOf returns the id of the host that the registry knows by this key. It reads the host only if it
// must, because the host is not in the processor's cache.
func idOf(key string, host *standard.Host) string {
	if strings.HasPrefix(key, hashed) {
		return host.ID
	}
	return key
}
