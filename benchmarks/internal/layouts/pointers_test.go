package layouts

import (
	"strings"
	"sync"
)

// pointers is what one would write at first: a map of pointers, with a lock that
// heartbeats share. It is small. But a heartbeat waits for the map's control bytes, for its
// key, for the id that the key points to and for the entry, mostly one after the other.
type pointers struct {
	mu    sync.RWMutex // guards hosts
	hosts map[string]*entry
}

type entry struct {
	word word
	lease
}

func newPointers() *pointers { return &pointers{hosts: map[string]*entry{}} }

func (p *pointers) Add(id string, l lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts[strings.Clone(id)] = &entry{lease: l}
}

func (p *pointers) Heartbeat(id string, t int64) (lease, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	e, ok := p.hosts[id]
	if !ok {
		return lease{}, false
	}
	l := e.lease
	e.word.heartbeat(t)
	return l, true
}
