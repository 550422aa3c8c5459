package hostmgr

import (
	"sort"
	"sync/atomic"
	"time"
)

const (
	manyBeats  = 100_000 // a second, from which on Run lends them the time
	beatSample = 1 << 10 // one of so many is counted
	beatWindow = 250 * time.Millisecond
	lendEvery  = 5 * time.Millisecond
	lendAhead  = 50 * time.Millisecond
	maxOverdue = 4096
)

// A lender spares heartbeats the clock while they are many. To read it, a processor
// waits until all memory has come that was asked for before; without, it looks for the
// next host while it still waits for this one, and a heartbeat takes less time.
//
// So Run lends heartbeats a stamp, as the time that they were heard at. It lies ahead of
// Run's own reading, and is replaced before that time has come: a host counts as heard a
// little later than it was, never earlier, so that promise 1 holds.
//
// If Run is late, the stamp is overdue: a heartbeat that bears it may have come at any
// moment from the stamp until it was replaced. It also may have found a word that said
// more than the stamp (an Announce reads the clock), and have left that alone. So
// whatever word lies between the stamp and that moment counts as that moment; and while
// the stamp is lent still, as now. replaceLent swaps first and reads the clock second:
// what it reads is not before any heartbeat that still got the old stamp.
type lender struct {
	stamp atomic.Int64 // what heartbeats bear; 0: they read the clock
	beats atomic.Int64 // one of 1024 since the window began

	// Guarded by Registry.mu.
	window  int64
	many    bool      // in the last window
	overdue []overdue // in order
}

// overdue is a stamp that was replaced too late, and when.
type overdue struct{ stamp, until int64 }

// lend is called by Run, with mu held, before it rests. While it lends it asks to be
// called again soon; else it notices when Run wakes the next time if that has become
// worth it. A clock that is not the system's is read by everybody: whoever moves time by
// hand wants to see exactly that.
func (r *Registry[M]) lend(now int64) (next int64) {
	if !r.lends {
		return never
	}
	if !r.lender.busy(now) {
		r.replaceLent(0)
		return never
	}
	r.replaceLent(now + int64(lendAhead))
	return now + int64(lendEvery)
}

// takeBack is what Run does when it ends.
func (r *Registry[M]) takeBack() {
	r.mu.Lock()
	defer r.unlock()
	r.lender.many = false
	r.replaceLent(0)
}

// replaceLent lends another stamp, or none. The caller holds mu.
func (r *Registry[M]) replaceLent(stamp int64) {
	old := r.lender.stamp.Swap(stamp)
	if old == 0 {
		return
	}
	if until := r.time.now(); until > old {
		r.lender.note(overdue{old, until})
	}
}

// stamp is what a heartbeat counts as heard at.
func (r *Registry[M]) stamp() int64 {
	if lent := r.lender.stamp.Load(); lent > 0 {
		return lent
	}
	return r.time.now()
}

// count counts heartbeats. The stamp lets it be others' turn soon.
func (l *lender) count(h hash, stamp int64) {
	if (uint64(h)^uint64(stamp))%beatSample == 0 {
		l.beats.Add(1)
	}
}

// busy tells whether heartbeats are many.
func (l *lender) busy(now int64) bool {
	if d := now - l.window; d >= int64(beatWindow) {
		beats := l.beats.Swap(0) * beatSample
		l.many = float64(beats) >= manyBeats*time.Duration(d).Seconds()
		l.window = now
	}
	return l.many
}

// note remembers an overdue stamp. If they become too many it merges neighbours into
// one that reaches from the first to the last, if that is short for its age: so nobody's
// silence is taken to be shorter by more than a 64th. (The number of those that can't be
// merged is logarithmic in the time that they cover.)
func (l *lender) note(late overdue) {
	if len(l.overdue) == maxOverdue {
		merged := l.overdue[:1]
		for _, o := range l.overdue[1:] {
			last := &merged[len(merged)-1]
			if o.until-last.stamp <= (late.stamp-o.until)/64 {
				last.until = o.until
			} else {
				merged = append(merged, o)
			}
		}
		l.overdue = merged
	}
	l.overdue = append(l.overdue, late)
}

// latest is the latest moment at which a host may have been heard whose word says seen.
// The caller holds Registry.mu, so that the stamp that is lent stays the one.
func (l *lender) latest(seen, now int64) int64 {
	if lent := l.stamp.Load(); lent > 0 && seen >= lent {
		return max(seen, now)
	}
	if n := len(l.overdue); n == 0 || seen >= l.overdue[n-1].until {
		return seen
	}
	later := sort.Search(len(l.overdue), func(i int) bool { return l.overdue[i].stamp > seen })
	if later == 0 {
		return seen
	}
	return max(seen, l.overdue[later-1].until)
}
