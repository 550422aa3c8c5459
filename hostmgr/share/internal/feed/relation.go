package feed

// A relation says what became of the table between two feeds. It is valid from the first frame of
// the later one on. The earlier one is the last before it that was Synced.
type relation struct {
	after    Position // the latest that the feeds before have shown
	compared bool     // with a feed that was not Synced: its own relation counts, too
	lost     bool     // the feed itself showed that changes were lost
	back     bool
}

// WentBack reports whether the table has lost changes that former feeds have shown, or may have
// lost some: the Store says so, it has another epoch, an earlier revision, or another version at a
// revision. If not, a record that the snapshot does not have was deleted.
func (r *relation) WentBack() bool { return r.back }

// compare takes the beginning of a feed. The feeds before it have shown records up to after. If the
// last of them was not Synced, what it has shown is a part of what is known: it must itself have
// gone on with what was known before.
func (r *relation) compare(epoch string, at Mark, told bool) {
	was := r.after
	known := was.Epoch != "" // else there was no feed
	same := at == Mark{was.Revision, was.Version}
	back := known && (r.lost || told || epoch != was.Epoch || !same && at.Revision <= was.Revision)
	r.back = back || r.compared && r.back
	r.lost, r.compared = false, false
}
