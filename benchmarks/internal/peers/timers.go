package peers

import (
	"sync"
	"time"
)

// timers has one timer per host, as Nomad's servers have: a heartbeat resets it, and when
// it fires it removes the host.
type timers struct {
	timeout time.Duration
	mu      sync.Mutex // guards the rest
	due     time.Time  // if set, of all hosts that announce themselves
	hosts   map[string]timed
	evicted int // since the last Sweep
}

type timed struct {
	meta  *Meta
	timer *time.Timer
}

func newTimers(timeout time.Duration) Registry {
	return &timers{timeout: timeout, hosts: map[string]timed{}}
}

func (t *timers) Announce(id string, m *Meta) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.timeout
	if !t.due.IsZero() {
		wait = time.Until(t.due)
	}
	h, ok := t.hosts[id]
	if ok {
		h.timer.Reset(wait)
	} else {
		h.timer = time.AfterFunc(wait, func() { t.expire(id) })
	}
	h.meta = m
	t.hosts[id] = h
}

func (t *timers) Align(due time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = due
}

func (t *timers) expire(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.hosts, id)
	t.evicted++
}

func (t *timers) Heartbeat(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, ok := t.hosts[id]
	if ok {
		h.timer.Reset(t.timeout)
	}
	return ok
}

func (t *timers) Leave(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, ok := t.hosts[id]
	if ok {
		h.timer.Stop()
		delete(t.hosts, id)
	}
	return ok
}

// Sweep only counts: the timers have done it, or will.
func (t *timers) Sweep() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.evicted
	t.evicted = 0
	return n
}

func (t *timers) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.hosts)
}

// Close stops the timers, which would keep their hosts in memory until they fire.
func (t *timers) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.hosts {
		h.timer.Stop()
	}
}
