package peers

import (
	"sync/atomic"
	"time"
)

// An entry is what a developer would put into a map: metadata that may be refreshed,
// and when the host was last heard.
type entry struct {
	meta atomic.Pointer[Meta]
	seen atomic.Int64
}

func newEntry(m *Meta) *entry {
	e := &entry{}
	e.refresh(m)
	return e
}

func (e *entry) refresh(m *Meta) {
	e.meta.Store(m)
	e.heartbeat()
}

func (e *entry) heartbeat() { e.seen.Store(time.Now().UnixNano()) }

// cutoff is the moment: a host that was last heard before it is due.
func cutoff(timeout time.Duration) int64 { return time.Now().Add(-timeout).UnixNano() }
