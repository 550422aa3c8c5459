package peers

import (
	"container/heap"
	"sync"
	"time"
)

// byHeap keeps hosts in a heap by deadline, under one mutex, as etcd's lessor does
// with its leases.
type byHeap struct {
	timeout time.Duration
	mu      sync.Mutex // guards the rest
	hosts   map[string]*lease
	queue   leases
}

type lease struct {
	id     string
	meta   *Meta
	expiry int64
	index  int // in the queue
}

func newHeap(timeout time.Duration) Registry {
	return &byHeap{timeout: timeout, hosts: map[string]*lease{}}
}

func (b *byHeap) expiry() int64 { return time.Now().Add(b.timeout).UnixNano() }

func (b *byHeap) Announce(id string, m *Meta) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.hosts[id]; ok {
		l.meta, l.expiry = m, b.expiry()
		heap.Fix(&b.queue, l.index)
		return
	}
	l := &lease{id: id, meta: m, expiry: b.expiry()}
	b.hosts[id] = l
	heap.Push(&b.queue, l)
}

func (b *byHeap) Heartbeat(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.hosts[id]
	if ok {
		l.expiry = b.expiry()
		heap.Fix(&b.queue, l.index)
	}
	return ok
}

func (b *byHeap) Leave(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.hosts[id]
	if ok {
		delete(b.hosts, id)
		heap.Remove(&b.queue, l.index)
	}
	return ok
}

func (b *byHeap) Sweep() (evicted int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for now := time.Now().UnixNano(); len(b.queue) > 0 && b.queue[0].expiry < now; evicted++ {
		delete(b.hosts, heap.Pop(&b.queue).(*lease).id)
	}
	return evicted
}

func (b *byHeap) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.hosts)
}

func (b *byHeap) Close() {}

type leases []*lease

func (q leases) Len() int           { return len(q) }
func (q leases) Less(i, j int) bool { return q[i].expiry < q[j].expiry }

func (q leases) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *leases) Push(x any) {
	l := x.(*lease)
	l.index = len(*q)
	*q = append(*q, l)
}

func (q *leases) Pop() any {
	last := len(*q) - 1
	l := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return l
}
