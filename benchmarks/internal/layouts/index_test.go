package layouts

import (
	"strings"

	"github.com/puzpuzpuz/xsync/v4"
)

// index is the registry's former engine: a concurrent map leads to the entry, where
// the heartbeat is a compare-and-swap. No lock is left, but the path through memory is as
// long as that of a plain map: bucket, the map's own entry, the id, the host.
type index struct{ hosts *xsync.Map[string, *entry] }

func newIndex() index { return index{xsync.NewMap[string, *entry]()} }

func (x index) Add(id string, l lease) { x.hosts.Store(strings.Clone(id), &entry{lease: l}) }

func (x index) Heartbeat(id string, t int64) (lease, bool) {
	e, ok := x.hosts.Load(id)
	if !ok {
		return lease{}, false
	}
	l := e.lease
	e.word.heartbeat(t)
	return l, true
}
