package peers

import (
	"sync"
	"time"
)

// rwMutex lets heartbeats share the lock: they change an atomic of the entry, not the map.
type rwMutex struct {
	timeout time.Duration
	mu      sync.RWMutex // guards hosts
	hosts   map[string]*entry
}

func newRWMutex(timeout time.Duration) Registry {
	return &rwMutex{timeout: timeout, hosts: map[string]*entry{}}
}

func (r *rwMutex) Announce(id string, m *Meta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.hosts[id]; ok {
		e.refresh(m)
		return
	}
	r.hosts[id] = newEntry(m)
}

func (r *rwMutex) Heartbeat(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.hosts[id]
	if ok {
		e.heartbeat()
	}
	return ok
}

func (r *rwMutex) Leave(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.hosts[id]
	delete(r.hosts, id)
	return ok
}

func (r *rwMutex) Sweep() int {
	due := cutoff(r.timeout)
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.hosts)
	for id, e := range r.hosts {
		if e.seen.Load() < due {
			delete(r.hosts, id)
		}
	}
	return before - len(r.hosts)
}

func (r *rwMutex) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.hosts)
}

func (r *rwMutex) Close() {}

// Sample takes what a ranged map begins with: at a random place, but neighbours.
func (r *rwMutex) Sample(k int) int {
	picked := make([]*Meta, 0, k)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.hosts {
		if picked = append(picked, e.meta.Load()); len(picked) == k {
			break
		}
	}
	return len(picked)
}

func (r *rwMutex) Metadata(id string) (*Meta, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.hosts[id]
	if !ok {
		return nil, false
	}
	return e.meta.Load(), true
}

// Range holds the lock over all hosts: an Announce waits meanwhile.
func (r *rwMutex) Range(do func(id string, m *Meta)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id, e := range r.hosts {
		do(id, e.meta.Load())
	}
}
