package peers

import (
	"sync"
	"sync/atomic"
	"time"
)

type syncMap struct {
	timeout time.Duration
	hosts   sync.Map // id to *entry
	n       atomic.Int64
}

func newSyncMap(timeout time.Duration) Registry { return &syncMap{timeout: timeout} }

func (s *syncMap) Announce(id string, m *Meta) {
	if e, ok := s.hosts.Load(id); ok {
		e.(*entry).refresh(m)
		return
	}
	e, there := s.hosts.LoadOrStore(id, newEntry(m))
	if there {
		e.(*entry).refresh(m)
		return
	}
	s.n.Add(1)
}

func (s *syncMap) Heartbeat(id string) bool {
	e, ok := s.hosts.Load(id)
	if ok {
		e.(*entry).heartbeat()
	}
	return ok
}

func (s *syncMap) Leave(id string) bool {
	_, ok := s.hosts.LoadAndDelete(id)
	if ok {
		s.n.Add(-1)
	}
	return ok
}

// Sweep compares before it deletes, so that a host that joined again is not taken for
// the one that died. A heartbeat between the two is lost all the same.
func (s *syncMap) Sweep() (evicted int) {
	due := cutoff(s.timeout)
	s.hosts.Range(func(id, e any) bool {
		if e.(*entry).seen.Load() < due && s.hosts.CompareAndDelete(id, e) {
			s.n.Add(-1)
			evicted++
		}
		return true
	})
	return evicted
}

func (s *syncMap) Len() int { return int(s.n.Load()) }
func (s *syncMap) Close()   {}

// Sample takes the hosts that Range visits first. That is the same few each time, so it
// flatters this peer.
func (s *syncMap) Sample(k int) int {
	picked := make([]*Meta, 0, k)
	s.hosts.Range(func(_, e any) bool {
		picked = append(picked, e.(*entry).meta.Load())
		return len(picked) < k
	})
	return len(picked)
}

func (s *syncMap) Metadata(id string) (*Meta, bool) {
	e, ok := s.hosts.Load(id)
	if !ok {
		return nil, false
	}
	return e.(*entry).meta.Load(), true
}

func (s *syncMap) Range(do func(id string, m *Meta)) {
	s.hosts.Range(func(id, e any) bool {
		do(id.(string), e.(*entry).meta.Load())
		return true
	})
}
