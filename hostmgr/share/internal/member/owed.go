package member

import "slices"

// An owed is a debt in the order in which this member first saw them. It outlives the debt: then
// the debt of its key is gone, or has another time.
type owed struct {
	key   string
	since int64
}

// add adds a debt that the feed shows for the first time. The queue is at most about twice as long
// as there are debts.
func (b *debts) add(d *debt, now int64) {
	d.since = now
	b.of[d.key] = d
	if len(b.queue) > 2*len(b.of)+64 {
		b.queue = slices.DeleteFunc(b.queue, func(o owed) bool { return !b.isOwed(o) })
	}
	b.queue = append(b.queue, owed{d.key, now})
}

// oldest is when this member first saw the debt that it knows for the longest time; 0 if there is
// none.
func (b *debts) oldest() int64 {
	for len(b.queue) > 0 && !b.isOwed(b.queue[0]) {
		b.queue = b.queue[1:]
	}
	if len(b.queue) == 0 {
		return 0
	}
	return b.queue[0].since
}

func (b *debts) isOwed(o owed) bool {
	d := b.of[o.key]
	return d != nil && d.since == o.since
}
