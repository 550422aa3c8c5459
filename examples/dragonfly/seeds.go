package dragonfly

import (
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"
)

// RangeSeeds is Range for hosts of type super seed.
func (h *Hosts) RangeSeeds(f func(any, any) bool) {
	h.seeds.Range(func(id, _ any) bool {
		stored, ok := h.registry.Metadata(key(id.(string)))
		return !ok || stored.Type != types.HostTypeSuperSeed || f(id, stored.Host)
	})
}

// LoadAllSeeds returns all hosts of type super seed.
func (h *Hosts) LoadAllSeeds() []*standard.Host {
	hosts := make([]*standard.Host, 0)
	h.RangeSeeds(func(_, seed any) bool {
		hosts = append(hosts, seed.(*standard.Host))
		return true
	})
	return hosts
}

// dropSeed removes an id from the seeds, unless a host with this id was stored again.
func (h *Hosts) dropSeed(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, again := h.registry.Metadata(key(id)); !again {
		h.seeds.Delete(id)
	}
}
