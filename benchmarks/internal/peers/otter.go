package peers

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// otterCache has no bound on its size. A read postpones the deadline, unless that
// would move it by less than a second: then the cache leaves it where it is, so heartbeats
// that follow each other closely cost it less than those of real hosts would.
type otterCache struct{ hosts *otter.Cache[string, *Meta] }

func newOtter(timeout time.Duration) Registry {
	return otterCache{otter.Must(&otter.Options[string, *Meta]{
		ExpiryCalculator: otter.ExpiryAccessing[string, *Meta](timeout),
		Clock:            noTicks{},
	})}
}

// noTicks is the machine's clock without the ticks by which the cache would clean up
// once a second: the sweeps are called by hand.
type noTicks struct{}

func (noTicks) NowNano() int64                        { return time.Now().UnixNano() }
func (noTicks) Tick(_ time.Duration) <-chan time.Time { return nil }

func (c otterCache) Announce(id string, m *Meta) { c.hosts.Set(id, m) }

func (c otterCache) Heartbeat(id string) bool {
	_, ok := c.hosts.GetIfPresent(id)
	return ok
}

func (c otterCache) Leave(id string) bool {
	_, ok := c.hosts.Invalidate(id)
	return ok
}

func (c otterCache) Sweep() int {
	before := c.hosts.EstimatedSize()
	c.hosts.CleanUp()
	return before - c.hosts.EstimatedSize()
}

func (c otterCache) Len() int { return c.hosts.EstimatedSize() }
func (c otterCache) Close()   { c.hosts.StopAllGoroutines() }

func (c otterCache) Metadata(id string) (*Meta, bool) {
	e, ok := c.hosts.GetEntryQuietly(id)
	return e.Value, ok
}

func (c otterCache) Range(do func(id string, m *Meta)) {
	for id, m := range c.hosts.All() {
		do(id, m)
	}
}
