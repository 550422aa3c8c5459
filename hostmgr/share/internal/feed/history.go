package feed

import (
	"cmp"
	"slices"
)

// A Mark is a place in the history of the table: the revision and the version of its latest change.
// It names the whole history up to there. The zero Mark is the place before the first change.
type Mark struct{ Revision, Version uint64 }

// maxMarks bounds how far a history reaches back after the snapshot.
const maxMarks = 1 << 16

// A history is the latest marks of a feed, in order. Revisions never fall. Some may be equal.
type history struct{ marks []Mark }

func (h *history) restart(at Mark) { h.marks = append(h.marks[:0], at) }

func (h *history) latest() Mark {
	if len(h.marks) == 0 {
		return Mark{}
	}
	return h.marks[len(h.marks)-1]
}

// add appends a mark. Unless it has to keep all, it drops the older half when there are too many.
func (h *history) add(m Mark, all bool) {
	if len(h.marks) >= maxMarks && !all {
		h.marks = h.marks[:copy(h.marks, h.marks[len(h.marks)-maxMarks/2:])]
	}
	h.marks = append(h.marks, m)
}

// from returns the index of the first mark that is not below a revision.
func (h *history) from(revision uint64) int {
	i, _ := slices.BinarySearchFunc(h.marks, revision, func(m Mark, revision uint64) int {
		return cmp.Compare(m.Revision, revision)
	})
	return i
}

func (h *history) has(m Mark) bool {
	for i := h.from(m.Revision); i < len(h.marks) && h.marks[i].Revision == m.Revision; i++ {
		if h.marks[i] == m {
			return true
		}
	}
	return false
}

// excludes reports whether a mark must be of another history.
func (h *history) excludes(m Mark) bool {
	return len(h.marks) > 0 && h.marks[0].Revision <= m.Revision && m.Revision <= h.latest().Revision && !h.has(m)
}

func (h *history) before(revision uint64) (Mark, bool) {
	i := h.from(revision)
	if i == 0 {
		return Mark{}, false
	}
	return h.marks[i-1], true
}
