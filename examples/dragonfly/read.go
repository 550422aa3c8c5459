package dragonfly

import (
	"d7y.io/dragonfly/v2/pkg/container/set"
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/hostmgr"
)

// Len returns the number of hosts, in constant time.
func (h *Hosts) Len() int { return h.registry.Len() }

// Load returns the host with this id, and whether there is one.
func (h *Hosts) Load(id string) (*standard.Host, bool) {
	stored, ok := h.registry.Metadata(key(id))
	return stored.Host, ok
}

// Range calls f with the id and the host of each host, until f returns false. f may call Hosts. An
// id that f keeps holds some 5 kB of memory: keep the ID of the host instead.
func (h *Hosts) Range(f func(any, any) bool) {
	for id, stored := range h.registry.AllMetadata() {
		if !f(idOf(id, stored.Host), stored.Host) {
			return
		}
	}
}

// RangeNormals is Range for hosts of type normal.
func (h *Hosts) RangeNormals(f func(any, any) bool) {
	for id, stored := range h.registry.AllMetadata() {
		if stored.Type == types.HostTypeNormal && !f(idOf(id, stored.Host), stored.Host) {
			return
		}
	}
}

// LoadAll returns all hosts.
func (h *Hosts) LoadAll() []*standard.Host {
	hosts := make([]*standard.Host, 0, h.registry.Len())
	for _, stored := range h.registry.AllMetadata() {
		hosts = append(hosts, stored.Host)
	}
	return hosts
}

// LoadAllNormals returns all hosts of type normal.
func (h *Hosts) LoadAllNormals() []*standard.Host {
	hosts := make([]*standard.Host, 0, h.registry.Len())
	for _, stored := range h.registry.AllMetadata() {
		if stored.Type == types.HostTypeNormal {
			hosts = append(hosts, stored.Host)
		}
	}
	return hosts
}

// LoadRandom returns up to n hosts that are not in the blocklist. Each such set of hosts is equally
// likely. As in Dragonfly, hosts that are silent but not yet evicted are among them.
func (h *Hosts) LoadRandom(n int, blocklist set.SafeSet[string]) []*standard.Host {
	sample := h.registry.Sample(n, func(host hostmgr.Host[Stored]) bool {
		return !blocklist.Contains(host.Metadata.ID)
	}, hostmgr.StateSuspect, hostmgr.StateOffline)
	hosts := make([]*standard.Host, len(sample))
	for i := range sample {
		hosts[i] = sample[i].Metadata.Host
	}
	return hosts
}
