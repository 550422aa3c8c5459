package detector

import "slices"

// slowAfter is how many long gaps in a row are the period of the driver.
const slowAfter = 8

// A slowDriver is the rule for a driver whose sweeps come less often than the limit allows. Without
// the rule each of its gaps would be a stall: no silence would ever count, and hosts that are gone
// would stay.
//
// A gap that exceeds the limit is long. After 8 long gaps in a row the driver is slow. Its gaps are
// then its period. A gap is a stall only if it is longer than twice the fourth longest of the latest
// 8. So a few pauses are stalls, and gaps of two lengths that alternate are not. With the shortest
// instead, each longer gap of an uneven driver would be a stall for ever.
//
// A row ends at a sweep that begins half of the limit, or more, after the last long gap. Sweeps of
// a driver in time end every row, because they come twice in the limit. A shorter time does not
// end it: several sweeps at one moment, or one that takes long, do not make a driver fast.
//
// Pauses of the process (promise 4) are a row only if it never runs for half of the limit between
// 8 of them. Even then a host whose contacts wait for the end of a pause is not evicted: see
// afterGap.
type slowDriver struct {
	gaps  [slowAfter]int64 // the latest long gaps of the row
	row   int              // how many long gaps it has
	ended int64            // when the last of them ended
	gap   Stall            // the latest long gap that was no stall
	told  bool             // of this row: see Stalls.SlowDriver
}

func (d *slowDriver) slow() bool { return d.row >= slowAfter }

// period returns the fourth longest of the latest 8 long gaps.
func (d *slowDriver) period() int64 {
	sorted := d.gaps
	slices.Sort(sorted[:])
	return sorted[slowAfter/2]
}

// add counts a long gap, which ends now.
func (d *slowDriver) add(gap, now int64) {
	d.gaps[d.row%slowAfter] = gap
	d.row++
	d.ended = now
}

// endRow forgets the row. The latest gap has been, whatever comes.
func (d *slowDriver) endRow() { *d = slowDriver{gap: d.gap} }

// isLong reports whether a gap counts for the row.
func (l *StallLog) isLong(gap int64) bool { return l.limit > 0 && gap > l.limit }

// setLimit changes the limit. Gaps that exceeded another limit are no row.
func (l *StallLog) setLimit(limit int64) {
	if limit != l.limit {
		l.limit = limit
		l.driver.endRow()
	}
	l.allow()
}

// allow computes allowed, the longest gap that is no stall. A gap that is a stall for most hosts is
// a stall for impatient ones too.
func (l *StallLog) allow() {
	l.allowed = l.limit
	if l.driver.slow() {
		l.allowed = 2 * min(l.driver.period(), Never/2)
		if l.threshold > 0 {
			l.allowed = min(l.allowed, l.threshold)
		}
	}
}

// sweepBegins ends the row if the driver is in time. Observe has been called with the same now.
func (l *StallLog) sweepBegins(now int64) {
	if since := now - l.driver.ended; l.driver.row > 0 && since > 0 && 2*since >= l.limit {
		l.driver.endRow()
		l.allow()
	}
}

// postpones reports whether afterGap may postpone a deadline. Most often it cannot.
func (d *slowDriver) postpones() bool { return d.slow() || d.gap.To != 0 }

// afterGap returns the deadline of an eviction as the latest gap of a slow driver postpones it: if
// the deadline passes in the gap, until the limit has passed after it. So a slow driver evicts a
// host at the second sweep after its deadline. If the process was paused in the gap after all, the
// contacts that have waited for its end save the host.
func (l *StallLog) afterGap(deadline, now int64) int64 {
	g := l.driver.gap
	if gap := now - l.last; l.driver.slow() && gap > l.limit && gap <= l.allowed {
		g = Stall{From: l.last, To: now, Limit: l.limit} // it goes on
	}
	if g.From <= deadline && deadline < Never {
		return max(deadline, g.To+g.Limit)
	}
	return deadline
}
