package detector

import "sort"

// Due returns when a host with its last contact at seen was due for eviction: the first time before
// until at which a sweep would have evicted it. If it was not due, passed is false, and at is the
// first such time after that. No sweep evicts in a stall, even if no sweep has found that stall
// yet. The time that a slow driver gives a host is left out (see afterGap): a recorded log does not
// have its gaps.
//
// A walk from stall to stall would give the same result. But a recorded log may be forged, and have
// thousands of stalls within each silence. So this is a search.
func (l *StallLog) Due(seen int64, t *Timeouts, until int64) (at int64, passed bool) {
	if t.Evict == 0 {
		return Never + 1, false
	}
	if l.Stalled(until-1) > 0 {
		until = min(until, l.last+1)
	}
	d := deadlines{log: l, timeouts: t, seen: seen, first: l.endingAfter(seen)}
	if at = d.after(d.passing()); at+1 < until {
		return at + 1, true
	}
	// This is the first deadline that passes before a stall begins. It does not pass before until,
	// so no later one does: a stall never moves a deadline to before the stall, nor to before the
	// former deadline.
	return d.after(len(l.stalls)) + 1, false
}

// deadlines computes the deadline of a host after each stall of a silence. Each stall postpones the
// deadline.
type deadlines struct {
	log      *StallLog
	timeouts *Timeouts
	seen     int64 // the last contact
	first    int   // the first stall that ended after seen
}

// after returns the deadline after so many stalls of the log. The last of them postpones it, even
// if that stall was over at the last contact.
func (d *deadlines) after(stalls int) int64 {
	deadline := d.plain(stalls)
	if stalls == 0 {
		return deadline
	}
	return d.log.stalls[stalls-1].postpone(deadline, d.timeouts)
}

// plain returns the deadline after so many stalls if none of them postpones it: the stalls just do
// not count as silence.
func (d *deadlines) plain(stalls int) int64 {
	stalled := int64(0)
	if stalls > d.first {
		f, last := &d.log.stalls[d.first], &d.log.stalls[stalls-1]
		stalled = last.before + last.Length() - f.before - max(0, d.seen-f.From)
	}
	return expiry(d.seen+stalled, d.timeouts.Evict)
}

// passing returns the first stall, from d.first on, that begins after the deadline of that time. If
// there is none, it returns the number of stalls.
//
// From stall to stall, a plain deadline moves by at most the time between their begins. So once it
// lies before a stall, it lies before all later ones. The same holds for a deadline that is
// postponed as far as possible. A search finds the stall for each of the two. Between these two
// stalls, the deadline lies before a stall if the pause before that stall was longer than the
// interval. Blocks without such a pause are skipped.
func (d *deadlines) passing() int {
	i, most := d.search(0), d.search(int64(d.timeouts.Evict))
	if i == 0 {
		return 0 // no stall before it postpones the deadline
	}
	interval := int64(d.timeouts.Interval)
	for i < most {
		switch {
		case i%blockSize == 0 && d.log.pauses[i/blockSize] <= interval:
			i += blockSize
		case d.log.pause(i) > interval:
			return i
		default:
			i++
		}
	}
	return most
}

// search returns the first stall, from d.first on, that begins after the plain deadline plus more;
// or the number of stalls.
func (d *deadlines) search(more int64) int {
	stalls := d.log.stalls
	return d.first + sort.Search(len(stalls)-d.first, func(i int) bool {
		return d.plain(d.first+i)+more < stalls[d.first+i].From
	})
}

// pause returns the time from the end of stall i-1, plus its limit, to the beginning of stall i.
func (l *StallLog) pause(i int) int64 {
	before := &l.stalls[i-1]
	return l.stalls[i].From - before.To - before.Limit
}

// addPause stores the pause before a stall if it is the longest of its block. The first block is
// always searched.
func (l *StallLog) addPause(i int) {
	switch block := i / blockSize; {
	case i == 0:
		l.pauses = append(l.pauses[:0], Never)
	case i%blockSize == 0:
		l.pauses = append(l.pauses, l.pause(i))
	default:
		l.pauses[block] = max(l.pauses[block], l.pause(i))
	}
}
