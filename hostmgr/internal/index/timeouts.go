package index

import (
	"slices"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const (
	never       = detector.Never
	maxTimeouts = 2 * maxSlots // of a bucket
)

// Timeouts returns the timeouts of the host, without its arrival history. Many hosts share them,
// and they never change.
func (e Entry) Timeouts() *detector.Timeouts { return e.bucket.timeouts[e.meta().timeouts] }

// setTimeouts changes the timeouts of the entry. A bucket drops unused timeouts only when it has
// too many.
func (e Entry) setTimeouts(t *detector.Timeouts) {
	b := e.bucket
	if i := slices.Index(b.timeouts, t); i >= 0 {
		e.meta().timeouts = uint16(i)
		return
	}
	if len(b.timeouts) == maxTimeouts {
		b.sortTimeouts()
	}
	e.meta().timeouts = b.addTimeouts(t)
}

// addTimeouts returns the number of the added timeouts.
func (b *bucket) addTimeouts(t *detector.Timeouts) uint16 {
	b.timeouts = append(b.timeouts, t)
	b.minTimeout = min(b.minTimeout, t.MinTimeout(false))
	return uint16(len(b.timeouts) - 1)
}

// sortTimeouts drops the timeouts that no entry uses any more.
func (b *bucket) sortTimeouts() {
	old := b.timeouts
	b.timeouts, b.minTimeout = nil, never
	moved := make(map[uint16]uint16)
	for e := range b.entries() {
		from := e.meta().timeouts
		to, ok := moved[from]
		if !ok {
			to = b.addTimeouts(old[from])
			moved[from] = to
		}
		e.meta().timeouts = to
	}
}

// minTimeouts appends to list, for each of the bucket's timeouts, the MinTimeout of a host that is
// not suspect and of a host that is.
func (b *bucket) minTimeouts(list []int64) []int64 {
	for _, t := range b.timeouts {
		list = append(list, t.MinTimeout(false), t.MinTimeout(true))
	}
	return append(list, 0, 0) // for a bucket without timeouts: its slots are free, or have ended
}

// earliestDeadline returns a time that is not after the deadline of any entry. It is computed from
// the earliest last contact, so that only words are read.
func (b *bucket) earliestDeadline() int64 { return ContactOf(firstWord(b.words)) + b.minTimeout }
