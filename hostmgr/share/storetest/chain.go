package storetest

import (
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A mark names a place in the history.
type mark struct{ revision, version uint64 }

func (m mark) String() string { return fmt.Sprintf("revision %d (version %d)", m.revision, m.version) }

// checkChain returns an error if the frames of a feed do not follow one another as Frame says.
func checkChain(frames []share.Frame) error {
	c := chain{passed: map[mark]bool{}}
	for i := range frames {
		if err := c.frame(&frames[i]); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
	}
	return nil
}

// A chain is what the frames so far make up.
type chain struct {
	epoch  string
	at     mark
	passed map[mark]bool
	pages  []mark // when pages were read
	synced bool
	begun  bool // a frame has come
}

func (c *chain) frame(f *share.Frame) error {
	from := mark{f.Revision, f.Version}
	if c.epoch == "" {
		c.epoch, c.at = f.Epoch, from
		c.passed[from] = true
	}
	switch {
	case f.Epoch == "" || f.Epoch != c.epoch:
		return fmt.Errorf("it has epoch %q, the first one %q", f.Epoch, c.epoch)
	case f.Back && c.begun:
		return errors.New("it has Back, and is not the first one")
	case from != c.at:
		return fmt.Errorf("it begins at %v, but the one before ended at %v", from, c.at)
	}
	c.begun = true
	if err := c.page(f); err != nil {
		return err
	}
	for i := range f.Changes {
		x := &f.Changes[i]
		if err := checkChange(x, c.at, i == 0); err != nil {
			return fmt.Errorf("change %d: %w", i, err)
		}
		c.at = mark{x.Revision, x.Version}
		c.passed[c.at] = true
	}
	return c.end(f)
}

func (c *chain) page(f *share.Frame) error {
	read := mark{f.PageRevision, f.PageVersion}
	switch {
	case c.synced && (f.Synced || read != mark{} || len(f.Snapshot) > 0):
		return errors.New("it has a snapshot, or is Synced again, after the one that was Synced")
	case read == mark{} && len(f.Snapshot) > 0:
		return errors.New("it has a page that does not say when it was read")
	}
	if read != (mark{}) {
		c.pages = append(c.pages, read)
	}
	for _, r := range f.Snapshot {
		if r.Version == 0 || r.Revision == 0 || r.Revision > read.revision {
			return fmt.Errorf("a page of revision %d has a record of revision %d, version %d", read.revision, r.Revision, r.Version)
		}
	}
	return nil
}

// end checks that the feed has passed the marks of all pages when the snapshot ends.
func (c *chain) end(f *share.Frame) error {
	if !f.Synced {
		return nil
	}
	c.synced = true
	for _, read := range c.pages {
		if !c.passed[read] {
			return fmt.Errorf("it ends the snapshot at %v, but a page was read at %v", c.at, read)
		}
	}
	return nil
}

// checkChange checks a change that follows a mark, in the same frame or in the next one.
func checkChange(c *share.Change, at mark, first bool) error {
	switch {
	case c.Previous != at.version:
		return fmt.Errorf("it follows version %d, not %d", c.Previous, at.version)
	case c.Revision < at.revision || first && c.Revision == at.revision:
		return fmt.Errorf("revision %d after %d", c.Revision, at.revision)
	case c.Version == 0:
		return errors.New("it has no version")
	case c.Deleted && len(c.Value) > 0:
		return errors.New("a deletion has a value")
	}
	return nil
}
