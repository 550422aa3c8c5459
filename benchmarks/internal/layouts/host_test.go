package layouts

import "sync/atomic"

// A lease is what a heartbeat is answered with.
type lease struct {
	interval                  int64
	incarnation, registration uint64
}

// A word is the time of a host's last contact.
type word struct{ v atomic.Int64 }

// heartbeat never steps back, and so would need no lock if others heartbeat as well.
func (w *word) heartbeat(t int64) {
	for old := w.v.Load(); old < t; old = w.v.Load() {
		if w.v.CompareAndSwap(old, t) {
			return
		}
	}
}

// A name is an id without a pointer.
type name struct {
	id   [idSize]byte
	size uint16
}

func newName(id string) name {
	n := name{size: uint16(len(id))}
	if copy(n.id[:], id) < len(id) {
		panic("an id is longer than this benchmark's are")
	}
	return n
}

func (n *name) is(id string) bool { return string(n.id[:n.size]) == id }
func (n *name) String() string    { return string(n.id[:n.size]) }

// A record is all that is known of a host, but for its word.
type record struct {
	name
	lease
}
