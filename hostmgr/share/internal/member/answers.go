package member

import (
	"cmp"
	"slices"
)

// An answer is owed to the cleaner of a departure that was written again: this member knows that
// the cleanup is done, and the table does not say so. The read mark stays before the departure until
// the table does. The cleaner waits for the read marks.
type answer struct {
	revision uint64
	debt     *debt
}

// answer notes that the table shows a debt that is done.
func (b *debts) answer(d *debt) {
	if d.done && !d.marked {
		b.answers = append(b.answers, answer{d.revision, d})
	}
}

func (b *debts) sortAnswers() {
	slices.SortFunc(b.answers, func(x, y answer) int { return cmp.Compare(x.revision, y.revision) })
}

// unanswered returns the revision of the first departure that waits for an answer of this member.
func (b *debts) unanswered() (revision uint64, ok bool) {
	for len(b.answers) > 0 {
		x := b.answers[0]
		if b.of[x.debt.key] == x.debt && x.debt.revision == x.revision && !x.debt.marked {
			return x.revision, true
		}
		b.answers = b.answers[1:]
	}
	return 0, false
}
