// Package claims tells whether the announcements of one registration come from two machines, or out
// of order. It knows what they said about themselves (Add), and how often they changed the
// registration (Changed).
//
// It does not read a clock. The argument now is in nanoseconds, and must not decrease from call to
// call. A Claims is not safe for concurrent use.
package claims

import "cmp"

// A Key identifies a registration.
type Key struct{ Hash, Registration uint64 }

// A Claim is what the announcements of a registration said about themselves. 0 means nothing yet.
type Claim struct {
	Speaker  uint64 // the hash of the first one
	Revision uint64 // the greatest
}

// Contradicts reports whether another speaker says this.
func (c Claim) Contradicts(said Claim) bool {
	return c.Speaker != 0 && said.Speaker != 0 && c.Speaker != said.Speaker
}

// Overtook reports whether an announcement with a greater revision came before this one.
func (c Claim) Overtook(said Claim) bool { return said.Revision != 0 && said.Revision < c.Revision }

// Claims has the claims and the latest changes of the registrations that have any. Few have, so nil
// stands for none: a caller checks that first. The zero value is empty.
type Claims struct {
	said    map[Key]Claim  // nil if there is none, because maps do not shrink
	changes map[Key]change // likewise
	scanned int64          // when Expire last looked at all changes
}

// Of returns the claim of a registration, or the zero Claim.
func (c *Claims) Of(k Key) Claim {
	if c == nil {
		return Claim{}
	}
	return c.said[k]
}

// Add adds what an announcement says to the claim of its registration. An announcement that was
// overtaken adds nothing.
func (c *Claims) Add(k Key, said Claim) {
	had := c.said[k]
	if had.Overtook(said) {
		return
	}
	if c.said == nil {
		c.said = map[Key]Claim{}
	}
	c.said[k] = Claim{cmp.Or(had.Speaker, said.Speaker), max(had.Revision, said.Revision)}
}

// Move gives what is known of a registration to another one of the same host.
func (c *Claims) Move(from, to Key) {
	if said, ok := c.said[from]; ok {
		c.said[to] = said
		delete(c.said, from)
	}
	if changed, ok := c.changes[from]; ok {
		c.changes[to] = changed
		delete(c.changes, from)
	}
}

// Forget forgets a registration that has ended. It returns c, or nil if c is empty then.
func (c *Claims) Forget(k Key) *Claims {
	if delete(c.said, k); len(c.said) == 0 {
		c.said = nil
	}
	c.dropChange(k)
	return c.orNil()
}

func (c *Claims) orNil() *Claims {
	if c.said == nil && c.changes == nil {
		return nil
	}
	return c
}
