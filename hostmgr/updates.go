package hostmgr

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// updates has the calls of Update that are under way, by the hash of the host's id. The registry's
// lock guards it.
type updates struct {
	of     map[index.Hash][]*updateCall // nil if there are none
	latest uint64                       // number of the latest call
}

// An updateCall is the state of one call of Update, for its current call of change.
type updateCall struct {
	number  uint64
	before  uint64 // the latest call of Update when change was called
	changed bool   // the metadata has changed since then
	earlier bool   // by a call of Update that had begun by then
}

func (us *updates) begin(h index.Hash, c *updateCall) {
	if us.of == nil {
		us.of = map[index.Hash][]*updateCall{}
	}
	us.latest++
	c.number = us.latest
	us.again(c)
	us.of[h] = append(us.of[h], c)
}

// again prepares the next call of change.
func (us *updates) again(c *updateCall) { c.before, c.changed, c.earlier = us.latest, false, false }

func (us *updates) end(h index.Hash, c *updateCall) {
	others := slices.DeleteFunc(us.of[h], func(o *updateCall) bool { return o == c })
	if us.of[h] = others; len(others) > 0 {
		return
	}
	if delete(us.of, h); len(us.of) == 0 {
		us.of = nil
	}
}

// changed notes a change of the metadata of a host: by a call of Update, or if by is nil by a
// refresh or a join.
func (us *updates) changed(h index.Hash, by *updateCall) {
	for _, c := range us.of[h] {
		c.changed = true
		c.earlier = c.earlier || by != nil && by.number <= c.before
	}
}
