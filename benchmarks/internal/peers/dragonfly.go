package peers

import (
	"sync"
	"sync/atomic"
	"time"
)

// dragonfly is the algorithm of the host manager in Dragonfly's scheduler, written
// from its description; none of its code is here. Hosts, peers and tasks are
// a sync.Map each, and a pass of its GC ranges over all three. Its own Host has
// some sixty fields; this one has what the algorithm needs, so it is a light version of it.
// A host here has one peer, and all share a few tasks.
type dragonfly struct {
	timeout             time.Duration
	hosts, peers, tasks sync.Map // by id
	n                   atomic.Int64
}

type dfHost struct {
	id            string
	meta          atomic.Pointer[Meta]
	updated       atomic.Int64
	peersCount    atomic.Int32
	peers         sync.Map // id to *dfPeer
	announceEvery time.Duration
}

type dfPeer struct {
	id      string
	host    *dfHost
	task    *dfTask
	left    atomic.Bool
	updated atomic.Int64
}

type dfTask struct {
	id    string
	peers atomic.Int64
}

func newDragonfly(timeout time.Duration) Registry {
	d := &dragonfly{timeout: timeout}
	for _, id := range []string{"model", "image", "layer", "dataset"} {
		d.tasks.Store(id, &dfTask{id: id})
	}
	return d
}

func (d *dragonfly) Announce(id string, m *Meta) {
	now := time.Now().UnixNano()
	if v, ok := d.hosts.Load(id); ok {
		h := v.(*dfHost)
		h.meta.Store(m)
		h.updated.Store(now)
		return
	}
	h := &dfHost{id: id, announceEvery: d.timeout / 2}
	h.meta.Store(m)
	h.updated.Store(now)
	key := any(id) // boxed once for all maps
	if _, there := d.hosts.LoadOrStore(key, h); there {
		return
	}
	d.n.Add(1)
	d.addPeer(h, key, now)
}

func (d *dragonfly) addPeer(h *dfHost, key any, now int64) {
	t, _ := d.tasks.Load("model")
	p := &dfPeer{id: h.id, host: h, task: t.(*dfTask)}
	p.updated.Store(now)
	p.task.peers.Add(1)
	h.peers.Store(key, p)
	h.peersCount.Add(1)
	d.peers.Store(key, p)
}

func (d *dragonfly) Heartbeat(id string) bool {
	v, ok := d.hosts.Load(id)
	if ok {
		v.(*dfHost).updated.Store(time.Now().UnixNano())
	}
	return ok
}

// Leave marks the host's peers as left and takes the host out. They are taken out
// at once, too: the time of a leave should hold what the next GC would do for it.
func (d *dragonfly) Leave(id string) bool {
	v, ok := d.hosts.LoadAndDelete(id)
	if !ok {
		return false
	}
	d.n.Add(-1)
	h := v.(*dfHost)
	h.leavePeers()
	h.peers.Range(func(_, p any) bool {
		d.dropPeer(p.(*dfPeer))
		return true
	})
	return true
}

func (h *dfHost) leavePeers() {
	h.peers.Range(func(_, p any) bool {
		p.(*dfPeer).left.Store(true)
		return true
	})
}

func (d *dragonfly) dropPeer(p *dfPeer) {
	d.peers.Delete(p.id)
	p.host.peers.Delete(p.id)
	p.host.peersCount.Add(-1)
	p.task.peers.Add(-1)
}

// Sweep is one pass of the three collectors: hosts that were silent for more than
// twice their interval, peers that left, tasks without peers.
func (d *dragonfly) Sweep() (evicted int) {
	d.hosts.Range(func(id, v any) bool {
		h := v.(*dfHost)
		if time.Since(time.Unix(0, h.updated.Load())) > 2*h.announceEvery {
			h.leavePeers()
			d.hosts.Delete(id)
			d.n.Add(-1)
			evicted++
		}
		return true
	})
	d.peers.Range(func(_, v any) bool {
		if p := v.(*dfPeer); p.left.Load() {
			d.dropPeer(p)
		}
		return true
	})
	d.tasks.Range(func(_, v any) bool {
		_ = v.(*dfTask).peers.Load() == 0 // theirs are dropped by age; these few stay
		return true
	})
	return evicted
}

func (d *dragonfly) Len() int { return int(d.n.Load()) }
func (d *dragonfly) Close()   {}

// Sample is how it looks for parents: it ranges over hosts until it has enough.
func (d *dragonfly) Sample(k int) int {
	picked := make([]*dfHost, 0, k)
	d.hosts.Range(func(_, v any) bool {
		picked = append(picked, v.(*dfHost))
		return len(picked) < k
	})
	return len(picked)
}

func (d *dragonfly) Metadata(id string) (*Meta, bool) {
	v, ok := d.hosts.Load(id)
	if !ok {
		return nil, false
	}
	return v.(*dfHost).meta.Load(), true
}

func (d *dragonfly) Range(do func(id string, m *Meta)) {
	d.hosts.Range(func(id, v any) bool {
		do(id.(string), v.(*dfHost).meta.Load())
		return true
	})
}
