package share

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
)

const (
	tick         = 100 * time.Millisecond
	hurry        = 20 * time.Millisecond // if another member waits for this one
	warnPause    = time.Minute
	taken        = 1024 // changed hosts, and departures, that one turn takes
	flushLimit   = 2 * time.Second
	goodbyeLimit = 5 * time.Second // with flushLimit
)

// A loop is one Run. Its methods run on one goroutine. Everything else reports to it through the
// inbox: so the core, and the bridge, need no lock.
type loop[M any] struct {
	m          *Member[M]
	ctx        context.Context // of all calls
	end        context.CancelFunc
	cleaning   context.Context // of cleanups: it ends with that of Run
	endClean   context.CancelFunc
	now        int64
	calls      []*call
	leaving    bool
	leftBehind int // calls of the Store
	leftCleans int // cleanups
	reading    reading
	feedErrors uint64
	showAt     int64
	members    []member.Peer // as of the latest complete snapshot or later
	member     bool          // as it was logged
	logged     string        // the id with which it last was one
	putWarning func(string, error)
	feeWarning func(string, error)
	runWarning func(string, error)
}

// newLoop returns a loop that a call of run begins.
func (m *Member[M]) newLoop(ctx context.Context) *loop[M] {
	l := &loop[M]{m: m, now: m.time.now()}
	l.ctx, l.end = context.WithCancel(context.WithoutCancel(ctx))
	l.cleaning, l.endClean = context.WithCancel(l.ctx)
	l.putWarning = m.newWarning("the table does not take writes")
	l.feeWarning = m.newWarning("cannot read the table; trying again")
	l.runWarning = m.newWarning("this member does not renew, because nothing sweeps its registry: does Registry.Run run?")
	return l
}

// run is a member until ctx ends.
func (l *loop[M]) run(ctx context.Context) error {
	defer l.end()
	l.m.inbox.set(false)
	defer l.m.inbox.set(true)
	l.m.core.Rejoin()
	for ctx.Err() == nil {
		l.wait(ctx.Done(), l.turn())
	}
	err := l.goodbye()
	l.drain()
	l.m.ready.Store(nil)
	l.show()
	return err
}

// turn does all that is due now. It returns how long the next turn may wait.
func (l *loop[M]) turn() time.Duration {
	l.now = l.m.time.now()
	l.takeReports()
	l.expire()
	l.read()
	l.m.core.Tick(l.now, l.isSwept())
	more := l.take()
	more = l.m.core.Work() || more
	l.put()
	l.clean()
	l.publish()
	l.m.log.Tick()
	switch {
	case more:
		return 0
	case l.m.core.Hurries():
		return hurry
	}
	return tick
}

// isSwept reports whether the registry observes its hosts. Otherwise this member does not renew: it
// could not answer for them.
func (l *loop[M]) isSwept() bool {
	idle := l.m.hosts.SinceSweep()
	if idle > l.m.cfg.Lapse {
		l.runWarning("", fmt.Errorf("no sweep for %v", idle.Round(time.Second)))
	}
	return idle < l.m.cfg.Lapse/2
}

// wait waits for a time, a report, or stop.
func (l *loop[M]) wait(stop <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-stop:
	case <-l.m.waiter.Woken():
	case <-l.m.waiter.After(d):
	}
}

func (l *loop[M]) takeReports() {
	for _, report := range l.m.inbox.take() {
		report()
	}
}

// take takes what has changed in the registry. more means that there may be more.
func (l *loop[M]) take() (more bool) {
	begun := l.begun() // before Take: what they wait for is there
	room := min(l.m.core.Wants(), taken)
	changed, departed := l.m.hosts.Take(room, taken)
	for _, d := range departed {
		l.m.core.Departed(d.Host.ID, l.m.bridge.ending(d))
	}
	for _, x := range changed {
		l.m.core.Changed(x.ID, x.Content)
	}
	more = len(departed) == taken || room > 0 && len(changed) == room && l.m.core.Wants() > 0
	if !more && l.m.core.Wants() > 0 {
		for _, f := range begun { // all changes have been taken
			f.barrier = l.m.core.Barrier()
		}
	}
	return more
}

// begun returns the flushes that wait until all changes are taken.
func (l *loop[M]) begun() (list []*flush) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	for _, f := range l.m.flushes {
		if f.barrier == nil {
			list = append(list, f)
		}
	}
	return list
}

// put begins to write what is to be written.
func (l *loop[M]) put() {
	for l.leftBehind < maxLeft {
		b := l.m.core.Next()
		if b == nil {
			return
		}
		batch := make([]Write, len(b.Writes))
		for i := range b.Writes {
			batch[i] = Write(b.Writes[i])
		}
		l.start(l.ctx, l.hold(), putLimit, putLimit+tick, func(ctx context.Context) error {
			return l.m.cfg.Store.Put(ctx, batch)
		}, func(err error) { l.written(b, err) }, func() { l.written(b, errLimit) })
	}
}

// written takes the result of a batch.
func (l *loop[M]) written(b *member.Batch, err error) {
	r := member.Unclear
	switch {
	case err == nil:
		r = member.Written
	case errors.Is(err, ErrVersion):
		r = member.Conflict
	case errors.Is(err, hostmgr.ErrInvalid): // nothing was written, as after a conflict
		r = member.Conflict
		l.putWarning("", err)
	case l.ctx.Err() == nil: // otherwise the goodbye has come back before the answer to its batch
		l.putWarning("", err)
	}
	l.m.core.Done(b, r, l.now)
}

// clean begins the shared cleanups that this member owes.
func (l *loop[M]) clean() {
	for l.leftCleans < maxLeft && l.cleaning.Err() == nil {
		x, ok := l.m.core.NextCleanup()
		if !ok {
			return
		}
		d, err := l.m.bridge.departure(&x)
		done := func(err error) {
			if err != nil && l.cleaning.Err() == nil {
				l.m.logger.Warn("a shared cleanup failed", "host", x.Host, "registration", d.Host.Registration, "attempt", x.Attempt, "err", err)
			}
			l.m.core.Cleaned(x, err == nil, l.now)
		}
		if err != nil {
			done(err)
			continue
		}
		c := l.start(l.cleaning, l.hold(), cleanupLimit, cleanupLimit+graceful, func(ctx context.Context) error {
			return l.m.cfg.Cleanup(ctx, d)
		}, done, func() { done(errLimit) })
		c.behind = &l.leftCleans // it does not hold up the renewals
	}
}

// publish shows the state, and ends the flushes that are done.
func (l *loop[M]) publish() {
	until, ok := l.m.core.Ready()
	ok = ok && !l.leaving
	if reading := l.m.time.reading(until); ok {
		l.m.ready.Store(&reading)
	} else {
		l.m.ready.Store(nil)
	}
	flushed := l.flushed()
	if l.now >= l.showAt || len(flushed) > 0 {
		l.showAt = l.now + int64(tick)
		l.tell(ok, l.show())
	}
	for _, f := range flushed {
		close(f.done)
	}
}

// flushed removes and returns the flushes that are done.
func (l *loop[M]) flushed() (done []*flush) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.flushes = slices.DeleteFunc(l.m.flushes, func(f *flush) bool {
		if f.barrier == nil || !l.m.core.Passed(f.barrier) {
			return false
		}
		done = append(done, f)
		return true
	})
	return done
}

// tell logs that this member is one, is another one, or is none any more.
func (l *loop[M]) tell(ready bool, id string) {
	if ready == l.member && (!ready || id == l.logged) || l.leaving {
		return
	}
	l.member = ready
	s, log := l.m.core.Stats(), l.m.logger
	switch {
	case ready && l.logged == "":
		log.Info("the registry is shared", "member", s.ID, "members", len(s.Peers))
	case ready && l.logged == s.ID:
		log.Info("the registry is shared again", "member", s.ID, "members", len(s.Peers))
	case ready:
		log.Info("the registry is shared again, by another member", "member", s.ID, "former", l.logged, "members", len(s.Peers))
	case l.logged == s.ID:
		log.Warn("this member is out of touch with the table: its registry evicts no host", "member", s.ID, "since", time.Duration(l.now-s.Echo))
	default:
		log.Warn("this member has lost its membership: its registry evicts no host until it joins again", "member", l.logged)
	}
	if ready {
		l.logged = s.ID
	}
}

// goodbye writes what is pending, as far as that is possible, and deletes the own record. Cleanups
// end first: then another member takes over those that are still owed.
func (l *loop[M]) goodbye() error {
	l.leaving = true // from now on publish does not make it Ready
	l.m.ready.Store(nil)
	l.endClean()
	l.until(l.now+int64(flushLimit), func() bool { return l.m.core.Pending() == 0 && l.m.core.Cleaning() == 0 && !l.m.core.Unmarked() })
	l.m.core.Goodbye()
	l.until(l.now+int64(goodbyeLimit-flushLimit), l.m.core.Gone)
	if !l.m.core.Gone() {
		return ErrNoGoodbye
	}
	return nil
}

// until does turns until done returns true, at most until a time.
func (l *loop[M]) until(limit int64, done func() bool) {
	for {
		d := l.turn()
		if l.now >= limit || done() {
			return
		}
		l.wait(nil, min(d, time.Duration(limit-l.now)))
	}
}

// drain ends what is under way. It waits for calls that have not returned, and then leaves those
// behind that ignore their context. What they report later does not count: another Run may run.
func (l *loop[M]) drain() {
	l.end()
	l.m.ready.Store(nil)
	l.reading.number++
	for limit := l.m.time.now() + int64(graceful); l.now < limit; {
		l.now = l.m.time.now()
		l.takeReports()
		if l.idle() {
			return
		}
		l.wait(nil, tick)
	}
	for _, c := range l.calls {
		c.give = l.now
	}
	l.expire()
}

// idle reports whether all calls have returned or are left behind.
func (l *loop[M]) idle() bool {
	for _, c := range l.calls {
		if !c.over {
			return false
		}
	}
	return true
}
