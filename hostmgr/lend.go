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
	lendAhead  = 20 * time.Millisecond
	maxOverdue = 4096
)

// A lender spares heartbeats the clock while they are many. To read it, a processor
// waits until all memory has come that was asked for before; without, it looks for the
// next host while it still waits for this one, and a heartbeat takes half as long.
//
// So Run lends heartbeats a time as the one that they were heard at. It lies ahead of
// Run's own reading, and is replaced before it has come: a host counts as heard a little
// later than it was, never earlier, so that promise 1 holds. If Run is late, and the time
// comes before it is replaced, whoever was heard at it may have been heard at any moment
// since. While it is lent still, that is now; afterwards the lender has noted when it was
// taken back (it reads the clock after the next one is there).
type lender struct {
	stamp atomic.Int64 // the time for heartbeats; 0: they read the clock
	beats atomic.Int64 // one of 1024 since the window began

	// Guarded by Registry.mu.
	window  int64
	many    bool // in the last window
	overdue []overdue
	worst   int64 // of those that were forgotten
}

// overdue is a time that was lent for too long, and until when.
type overdue struct{ stamp, until int64 }

// lend is called by Run, with mu held, before it rests, and returns when it is to be
// called again. A clock that is not the system's is read by everybody: whoever moves
// time by hand wants to see exactly that.
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

// lent is the time for a heartbeat.
func (r *Registry[M]) lent() int64 {
	if now := r.lender.stamp.Load(); now > 0 {
		return now
	}
	return r.time.now()
}

// takeBack is what Run does when it ends.
func (r *Registry[M]) takeBack() {
	r.mu.Lock()
	defer r.unlock()
	r.lender.many = false
	r.replaceLent(0)
}

func (r *Registry[M]) replaceLent(stamp int64) {
	old := r.lender.stamp.Swap(stamp)
	if old == 0 {
		return
	}
	if until := r.time.now(); until > old {
		r.lender.note(overdue{old, until})
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

func (l *lender) note(o overdue) {
	if len(l.overdue) == maxOverdue {
		for _, o := range l.overdue[:maxOverdue/2] {
			l.worst = max(l.worst, o.until-o.stamp)
		}
		l.overdue = append(l.overdue[:0], l.overdue[maxOverdue/2:]...)
	}
	l.overdue = append(l.overdue, o)
}

// latest is the latest moment, up to now, at which a host may have been heard whose word
// says seen. The caller holds Registry.mu, so that the time lent now stays the one.
func (l *lender) latest(seen, now int64) int64 {
	n, lent := len(l.overdue), l.stamp.Load()
	switch {
	case seen == lent && lent > 0:
		return max(seen, now)
	case n == 0 || seen > l.overdue[n-1].stamp:
		return seen
	case seen < l.overdue[0].stamp:
		return seen + l.worst
	}
	if o := l.overdue[sort.Search(n, func(i int) bool { return l.overdue[i].stamp >= seen })]; o.stamp == seen {
		return o.until
	}
	return seen
}
