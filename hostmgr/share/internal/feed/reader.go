package feed

import (
	"errors"
	"fmt"
)

// ErrBroken is wrapped by the errors of Apply.
var ErrBroken = errors.New("broken feed")

// A Reader checks the frames of one feed after another, and says what is new in them. It keeps
// nothing about single records, except while it reads a snapshot. The zero Reader is ready for
// Begin.
type Reader struct {
	epoch   string
	history history
	begun   bool // its first frame was applied
	synced  bool
	broken  error // what is wrong with the feed
	sightings
	relation
}

// Begin prepares the reader for another feed, which is to begin after Position.
func (r *Reader) Begin() {
	if r.begun {
		at := r.reached()
		r.compared, r.after = !r.synced, Position{r.epoch, at.Revision, at.Version}
	}
	r.begun, r.synced, r.broken = false, false, nil
	r.sightings = sightings{of: map[string]sighting{}}
}

// Position returns the latest place in the history that the feeds before Begin have shown: what the
// caller has of the table is of the history up to there. It is zero if there was no feed.
func (r *Reader) Position() Position { return r.after }

// reached returns the latest mark of the feed.
//
// The changes reach up to Latest, and each follows the one before. If the snapshot is complete,
// that is all. Otherwise pages may have shown later records, up to the marks of the pages. The
// history at the mark of a page includes that of the frames before, as Frame of package share says.
// So the latest of these marks stands for all of them. It does not if the frames contradict each
// other, or if changes have come, too, so that there are two ends. Then changes may be lost.
func (r *Reader) reached() Mark {
	latest := r.Latest()
	at := latest
	for _, page := range r.pages {
		if r.history.has(page) || page == at {
			continue
		}
		if r.broken != nil || len(r.history.marks) > 1 || page.Revision <= latest.Revision || page.Revision == at.Revision {
			r.lost = true
		}
		if page.Revision > at.Revision {
			at = page
		}
	}
	return at
}

// Synced reports whether the snapshot of the feed is complete: what see got, without what Has does
// not have, is the table as it was at Latest.
func (r *Reader) Synced() bool { return r.synced }

// Epoch returns the epoch of the feed.
func (r *Reader) Epoch() string { return r.epoch }

// Latest returns the mark of the latest change that was applied.
func (r *Reader) Latest() Mark { return r.history.latest() }

// Before returns the latest mark below a revision. It returns false if the feed began later, or
// more than 32,768 changes came after the mark.
func (r *Reader) Before(revision uint64) (Mark, bool) { return r.history.before(revision) }

// Knows reports whether a mark lies in the history that the feed has shown. It returns false for
// marks that Before does not reach.
func (r *Reader) Knows(m Mark) bool { return r.history.has(m) }

// Apply takes the next frame of the feed. It calls see for each record of a page, and each change,
// that is newer than what see got for the key in this feed. A record of a page has no Previous.
//
// An error means that the feed is broken: changes are missing, repeated, or of another history. see
// may have been called for a part of the frame. Until the next Begin, Apply returns the same error.
func (r *Reader) Apply(f Frame, see func(Change)) error {
	if r.broken == nil {
		r.broken = r.apply(f, see)
	}
	return r.broken
}

func (r *Reader) apply(f Frame, see func(Change)) error {
	if err := r.open(f.Epoch, Mark{f.Revision, f.Version}, f.Back); err != nil {
		return err
	}
	if err := r.page(&f, see); err != nil {
		return err
	}
	for i := range f.Changes {
		if err := r.change(&f.Changes[i], i == 0, see); err != nil {
			return err
		}
	}
	if f.Synced {
		return r.sync()
	}
	return nil
}

// open checks where a frame begins.
func (r *Reader) open(epoch string, at Mark, back bool) error {
	switch {
	case epoch == "" || (at.Revision == 0) != (at.Version == 0):
		return broken("epoch %q, revision %d, version %x", epoch, at.Revision, at.Version)
	case !r.begun:
		r.compare(epoch, at, back)
		r.begun, r.epoch = true, epoch
		r.history.restart(at)
	case epoch != r.epoch:
		r.lost = true
		return broken("epoch %q after %q", epoch, r.epoch)
	case back:
		r.lost = true
		return broken("a loss that is told after the first frame")
	case at != r.Latest():
		return r.misfit("a frame that begins", at)
	}
	return nil
}

// page takes the page of a frame. A page that was read before the feed began, or that is of another
// history, is found out by sync.
func (r *Reader) page(f *Frame, see func(Change)) error {
	at := Mark{f.PageRevision, f.PageVersion}
	if r.synced {
		r.sightings = sightings{}
		if at != (Mark{}) || len(f.Snapshot) > 0 || f.Synced {
			return broken("a snapshot after its end")
		}
		return nil
	}
	if at != (Mark{}) {
		r.read(at)
	}
	for i := range f.Snapshot {
		x := &f.Snapshot[i]
		if x.Key == "" || x.Version == 0 || x.Revision == 0 || x.Revision > at.Revision {
			return broken("record %q at revision %d (%x), on a page of revision %d", x.Key, x.Revision, x.Version, at.Revision)
		}
		if r.merge(x.Key, x.Revision, false) {
			see(Change{Key: x.Key, Revision: x.Revision, Version: x.Version, Value: x.Value})
		}
	}
	return nil
}

// change takes a change. The first one of a frame belongs to another batch than the one before.
func (r *Reader) change(c *Change, first bool, see func(Change)) error {
	at, next := r.Latest(), Mark{c.Revision, c.Version}
	switch {
	case c.Key == "" || c.Version == 0:
		return broken("change of %q at revision %d has version %x", c.Key, c.Revision, c.Version)
	case c.Previous != at.Version, c.Revision < at.Revision, c.Revision == at.Revision && first:
		return r.misfit(fmt.Sprintf("a change after %x", c.Previous), next)
	}
	r.history.add(next, !r.synced)
	if r.synced || r.merge(c.Key, c.Revision, c.Deleted) {
		see(*c)
	}
	return nil
}

// sync ends the snapshot. All its pages must have been read in the history that the changes show.
func (r *Reader) sync() error {
	for _, at := range r.pages {
		if !r.history.has(at) {
			return r.misfit("a page", at)
		}
	}
	r.synced = true
	return nil
}

// misfit returns the error about a mark that does not follow the latest one.
func (r *Reader) misfit(what string, at Mark) error {
	r.lost = r.lost || r.history.excludes(at)
	return broken("%s at revision %d (%x) does not fit the feed up to revision %d (%x)",
		what, at.Revision, at.Version, r.Latest().Revision, r.Latest().Version)
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}
