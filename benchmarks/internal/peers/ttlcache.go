package peers

import (
	"time"

	"github.com/jellydator/ttlcache/v3"
)

type ttlCache struct {
	hosts *ttlcache.Cache[string, *Meta]
}

// newTTLCache leaves its cleaning goroutine off: the sweeps are called by hand.
func newTTLCache(timeout time.Duration) Registry {
	return ttlCache{ttlcache.New(ttlcache.WithTTL[string, *Meta](timeout))}
}

func (c ttlCache) Announce(id string, m *Meta) { c.hosts.Set(id, m, ttlcache.DefaultTTL) }
func (c ttlCache) Heartbeat(id string) bool    { return c.hosts.Get(id) != nil } // a Get touches

func (c ttlCache) Leave(id string) bool {
	_, ok := c.hosts.GetAndDelete(id)
	return ok
}

func (c ttlCache) Sweep() int {
	before := c.hosts.Metrics().Evictions
	c.hosts.DeleteExpired()
	return int(c.hosts.Metrics().Evictions - before)
}

// Len asks for metrics: the cache's own Len leaves out hosts that are due but not evicted.
func (c ttlCache) Len() int {
	m := c.hosts.Metrics()
	return int(m.Insertions - m.Evictions)
}

func (c ttlCache) Close() {}

func (c ttlCache) Metadata(id string) (*Meta, bool) {
	item := c.hosts.Get(id, ttlcache.WithDisableTouchOnHit[string, *Meta]())
	if item == nil {
		return nil, false
	}
	return item.Value(), true
}

func (c ttlCache) Range(do func(id string, m *Meta)) {
	c.hosts.Range(func(item *ttlcache.Item[string, *Meta]) bool {
		do(item.Key(), item.Value())
		return true
	})
}
