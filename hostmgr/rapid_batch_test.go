package hostmgr_test

import (
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr"
)

// Heartbeats sends up to five heartbeats at once, of any ids.
func (x *machine) Heartbeats(t *rapid.T) {
	ids := rapid.SliceOfN(someID, 0, 5).Draw(t, "ids")
	acks, errs := make([]hostmgr.Ack, len(ids)), make([]error, len(ids))
	x.Registry.Heartbeats(ids, acks, errs)
	for i, id := range ids {
		agree(t, x.m.observe(id, 0, 0), errs[i])
		if h := x.m.hosts[id]; errs[i] == nil && (acks[i].Incarnation != h.incarnation || acks[i].Interval != h.interval) {
			t.Fatalf("%+v for %+v", acks[i], h)
		}
	}
}
