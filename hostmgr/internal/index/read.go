package index

// A Cursor goes through all entries in the order of their hashes, a bucket at a time. The zero
// Cursor is at the beginning. Buckets may be rebuilt meanwhile. The hash of a host does not change,
// so no entry is skipped or met twice.
type Cursor struct {
	next uint64 // the lowest hash that is still ahead
	done bool
}

// Done reports whether the cursor is at the end.
func (c *Cursor) Done() bool { return c.done }

// Passed reports whether the cursor has passed the place of an entry. The hash decides only if the
// entry's bucket was built from buckets on both sides of the cursor.
func (c *Cursor) Passed(e Entry) bool {
	switch b := e.bucket; {
	case c.done || b.last() < c.next:
		return true
	case b.first >= c.next:
		return false
	default:
		return uint64(e.header().hash) < c.next
	}
}

// End moves the cursor to the end.
func (c *Cursor) End() { c.done = true }

// pass moves the cursor behind the highest hash of a bucket.
func (c *Cursor) pass(last uint64) {
	c.next = last + 1
	c.done = c.next == 0
}

// Ahead returns an upper bound for the entries that the next Advance yields.
func (x *Index) Ahead(c *Cursor) int { return x.bucket(Hash(c.next)).live }

// Advance yields the entries of the next bucket, and moves the cursor on. It needs the lock, at
// least for reading.
func (x *Index) Advance(c *Cursor, yield func(Entry)) {
	b := x.bucket(Hash(c.next))
	for e := range b.entries() {
		if !c.Passed(e) {
			yield(e)
		}
	}
	c.pass(b.last())
}
