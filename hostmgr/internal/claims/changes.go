package claims

import (
	"maps"
	"time"
)

const (
	maxChanges = 1 << 12
	scanPause  = int64(10 * time.Second)
)

// A change is the latest change of a registration, and the one before.
type change struct {
	last, before int64
	again        bool // there is one before
	quiet        bool // the last one was neither early nor a contradiction
	interval     int64
}

// Changed remembers that an announcement changed a registration. early says that it came less than
// 3/4 of an interval after the contact before. Changed reports whether it contradicts another one:
// it comes less than 3/4 of an interval after the latest change, or less than 5/4 after the one
// before. The second rule is for two machines of which one always follows shortly after the other.
//
// A registration is remembered from its first early change on, until two of its changes were
// neither early nor a contradiction. At most 4096 are remembered.
func (c *Claims) Changed(k Key, interval int64, early bool, now int64) (contradicts bool) {
	old, known := c.changes[k]
	if !known && !early {
		return false
	}
	contradicts = known && (now-old.last < interval*3/4 || old.again && now-old.before < interval*5/4)
	quiet := !early && !contradicts
	if quiet && old.quiet {
		c.dropChange(k)
		return false
	}
	if !known {
		c.makeRoom()
	}
	c.changes[k] = change{now, old.last, known, quiet, interval}
	return contradicts
}

func (c *Claims) makeRoom() {
	if c.changes == nil {
		c.changes = map[Key]change{}
	}
	if len(c.changes) < maxChanges {
		return
	}
	for k := range c.changes { // there is no better one to forget
		delete(c.changes, k)
		return
	}
}

func (c *Claims) dropChange(k Key) {
	if delete(c.changes, k); len(c.changes) == 0 {
		c.changes = nil
	}
}

// Expire forgets the changes of registrations that were not changed for two intervals. It looks at
// all changes, at most once in 10 seconds. It returns c, or nil if c is empty then.
func (c *Claims) Expire(now int64) *Claims {
	if c.changes == nil || now-c.scanned < scanPause {
		return c.orNil()
	}
	c.scanned = now
	maps.DeleteFunc(c.changes, func(_ Key, v change) bool { return now-v.last > 2*v.interval })
	if len(c.changes) == 0 {
		c.changes = nil
	}
	return c.orNil()
}
