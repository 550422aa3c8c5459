package table

import (
	"cmp"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
)

// wentBack reports whether the table does not have the change at a position, as far as it can tell.
// If the log no longer reaches back to the position, the table has the change if it was never lost.
// That is certain up to the lowest revision to which the table has gone back.
func (t *Table) wentBack(after feed.Position) bool {
	at, begin := feed.Mark{Revision: after.Revision, Version: after.Version}, t.latest
	if len(t.log) > 0 {
		begin = t.log[0].before
	}
	switch {
	case after == feed.Position{}:
		return false
	case after.Epoch != t.epoch():
		return true
	case at == begin:
		return false
	case at.Revision < begin.Revision:
		return at.Revision > t.kept
	}
	return !t.logs(at)
}

// logs reports whether the log has the change at a mark.
func (t *content) logs(at feed.Mark) bool {
	i, _ := slices.BinarySearchFunc(t.log, at.Revision, func(e entry, revision uint64) int {
		return cmp.Compare(e.Revision, revision)
	})
	for ; i < len(t.log) && t.log[i].Revision == at.Revision; i++ {
		if t.log[i].Version == at.Version {
			return true
		}
	}
	return false
}

// goBack notes that readers may have changes after the latest one that this table does not have.
func (t *content) goBack() { t.kept = min(t.kept, t.latest.Revision) }
