package hostmgr

import "strings"

// idCopies makes copies of ids, many in one allocation. No memory is used twice, so a copy may be
// kept. A kept copy holds up to 128 KiB of memory.
type idCopies struct {
	made strings.Builder
}

const maxIDBytes = 128 << 10 // of one allocation, unless a call of grow needs more

// grow makes room for ids with this total of bytes. The allocations grow, so few large ones follow.
func (c *idCopies) grow(bytes int) {
	if c.made.Cap()-c.made.Len() >= bytes {
		return
	}
	next := max(bytes, min(2*c.made.Cap(), maxIDBytes))
	c.made.Reset()
	c.made.Grow(next)
}

// clone copies an id into the room that grow has made.
func (c *idCopies) clone(id string) string {
	at := c.made.Len()
	c.made.WriteString(id)
	return c.made.String()[at:]
}
