package peers

import (
	"time"

	"github.com/patrickmn/go-cache"
)

type goCache struct{ hosts *cache.Cache }

// newGoCache leaves the janitor off: the sweeps are called by hand.
func newGoCache(timeout time.Duration) Registry { return goCache{cache.New(timeout, 0)} }

func (c goCache) Announce(id string, m *Meta) { c.hosts.SetDefault(id, m) }

// Beat takes the value out and puts it back, since nothing else moves a deadline.
// Replace does not create an entry, should the host be gone in between.
func (c goCache) Heartbeat(id string) bool {
	m, ok := c.hosts.Get(id)
	return ok && c.hosts.Replace(id, m, cache.DefaultExpiration) == nil
}

func (c goCache) Leave(id string) bool {
	_, ok := c.hosts.Get(id)
	c.hosts.Delete(id)
	return ok
}

func (c goCache) Sweep() int {
	before := c.hosts.ItemCount()
	c.hosts.DeleteExpired()
	return before - c.hosts.ItemCount()
}

func (c goCache) Len() int { return c.hosts.ItemCount() }
func (c goCache) Close()   {}

func (c goCache) Metadata(id string) (*Meta, bool) {
	m, ok := c.hosts.Get(id)
	if !ok {
		return nil, false
	}
	return m.(*Meta), true
}

// Range goes through a copy, since the cache offers nothing else.
func (c goCache) Range(do func(id string, m *Meta)) {
	for id, item := range c.hosts.Items() {
		do(id, item.Object.(*Meta))
	}
}
