package hostmgr

import (
	"context"
	"time"
)

// idleLooks is how many pages in which nobody is due a sweep looks at in a row: some 10
// microseconds, during which it holds the lock.
const idleLooks = 8

// A SweepReport says what one Sweep found and did.
type SweepReport struct {
	At        time.Time
	Looked    int           // hosts whose deadlines were read
	Suspected int           // hosts that became suspect
	Evicted   int           // hosts that were removed
	Held      int           // hosts that are due but held
	Cleaned   int           // cleanups that succeeded on this goroutine
	Excused   time.Duration // stalls that were found
}

// Sweep evicts every host that is due, and then, unless Run is running, does
// the cleanups that are due by then. It is for embedders with a scheduler of their own; Next
// says when it may have work. A concurrent Sweep waits for its turn to evict, and leaves the
// cleanups to the one that is doing them: so a Sweep that a Cleanup calls does none. (If one cleanup
// has taken 10 s, another Sweep goes on with the others.) When ctx
// ends it stops early, without doing any harm: what it left undone is done by
// the next one.
func (r *Registry[M]) Sweep(ctx context.Context) SweepReport {
	defer r.flush() // also if a callback ends this goroutine
	rep, due := r.scan(ctx, true)
	r.ask(ctx, due, &rep)
	rep.Cleaned = r.clean.sweep(ctx, func() { r.tick(&rep) })
	r.logStalls()
	return rep
}

// flush hands over what there is for the recorder and the logger, unless Run has goroutines that
// do.
func (r *Registry[M]) flush() {
	if !r.running.Load() {
		r.write()
		r.log.Flush()
	}
}

// logStalls logs what was excused since it last did, but once a second at most: where MaxGap is short
// there may be many stalls. Gaps that are stalls for impatient hosts only are not logged.
func (r *Registry[M]) logStalls() {
	if r.unsaid.Load() == 0 {
		return
	}
	now, at := r.time.now(), r.sayAt.Load()
	if now >= at && r.sayAt.CompareAndSwap(at, now+int64(logPause)) {
		r.cfg.Logger.Warn("stall: the registry was not listening", "excused", time.Duration(r.unsaid.Swap(0)))
	}
}

// RunGC is Sweep in the form of a gc task, and of Dragonfly's. It returns an
// error only if ctx ended.
func (r *Registry[M]) RunGC(ctx context.Context) error {
	r.Sweep(ctx)
	return ctx.Err()
}

// scan looks at every page that is due. Nothing waits long for it: it takes mu
// for one page at a time, or for a few in which nobody is due. It returns the hosts that
// Confirm is to be asked about.
//
// It ends, because a look puts a page's bound beyond its own clock reading, which
// is not before the scan began, and nothing brings a bound back behind that: expect
// keeps it ahead of the latest reading of the sweep that is under way.
func (r *Registry[M]) scan(ctx context.Context, held bool) (rep SweepReport, due []candidate) {
	select {
	case r.sweepGate <- struct{}{}:
	case <-ctx.Done():
		return rep, nil
	}
	defer func() { <-r.sweepGate }()

	began, more := r.beginScan(&rep, held)
	if !more {
		return rep, nil
	}
	if r.cfg.Guard.on() {
		r.muster(ctx, &rep)
	}
	for more && ctx.Err() == nil {
		due, more = r.look(began, &rep, due)
	}
	r.endScan(began, &rep)
	return rep, due
}

// beginScan brings pages with held hosts forward if those are to be looked at, and
// tells whether any page is due.
func (r *Registry[M]) beginScan(rep *SweepReport, held bool) (began int64, due bool) {
	r.time.mark()
	began = r.listen(rep)
	defer r.unlock()
	rep.At = r.time.wall(began)
	r.counts.Sweeps++
	r.evictees.age(began)
	r.metronome.keep(r.zones.all.hosts, began)
	if held && r.zones.all.held > 0 {
		r.table.schedule.hastenHeld(began)
	}
	r.scanning = r.table.schedule.next() <= began
	if !r.scanning {
		r.regrip(began)
	}
	return began, r.scanning
}

// endScan listens once more, so that a long sweep is no stall, and a stall in it is
// one; and wakes the watchers that it has left behind.
func (r *Registry[M]) endScan(began int64, rep *SweepReport) {
	now := r.listen(rep)
	defer r.unlock()
	r.scanning = false
	r.figures.sweep.Record(time.Duration(now - began))
	r.regrip(now)
	for _, w := range r.watchers {
		r.news = r.news || w.missed > 0
	}
}

// tick notes that the registry is listening, and finds out if it was not.
func (r *Registry[M]) tick(rep *SweepReport) {
	r.listen(rep)
	r.unlock()
}

// listen is tick by someone who wants to go on with mu held.
func (r *Registry[M]) listen(rep *SweepReport) (now int64) {
	now = r.lock()
	rep.Excused += time.Duration(r.listened(now))
	return now
}

// listened notes that the registry listens now, and returns what had to be excused. The caller
// holds mu.
func (r *Registry[M]) listened(now int64) (excused int64) {
	excused = r.ledger.tick(now)
	short := r.fine.tick(now)
	switch {
	case excused > 0:
		r.unsaid.Add(excused)
		r.recordStall("stall", r.ledger.stalls[len(r.ledger.stalls)-1])
	case short > 0:
		r.recordStall("gap", r.fine.stalls[len(r.fine.stalls)-1])
	}
	return excused
}

// look judges the hosts of the page that is due first, and sets its bound anew; or does
// so with a few pages, if nobody in them is due. It tells whether another one was due
// when the scan began.
func (r *Registry[M]) look(began int64, rep *SweepReport, due []candidate) ([]candidate, bool) {
	now := r.listen(rep)
	defer r.unlock()
	idle := true
	for i := 0; i < idleLooks && idle && r.table.schedule.next() <= began; i++ {
		p := r.table.schedule[0].page
		rep.Looked += p.live
		next := min(p.earliest()+1, never)
		if idle = next > now; !idle {
			next, due = r.judgeDue(p, now, rep, due)
		}
		r.table.schedule.set(p, next)
		r.table.tidy(p)
	}
	return due, r.table.schedule.next() <= began
}

// judgeDue judges those hosts of a page that may be due, and returns when the page needs
// the next look. Whoever is not due, even if nothing was ever excused, is passed by: there a
// sweep spends most of its time.
func (r *Registry[M]) judgeDue(p *page[M], now int64, rep *SweepReport, due []candidate) (int64, []candidate) {
	next, words := never, p.words
	soonest, marks := p.soonest(), p.marks[:len(words)]
	for i := range words {
		v := words[i].load()
		if v < 0 { // over: nobody is judged there, whatever its mark says
			continue
		}
		at := seenIn(v) + soonest[int(marks[i].terms)<<1|int(v&suspectBit)] + 1
		if at >= next {
			continue
		}
		if p.rhythms != nil {
			at = life[M]{p, i}.nextLook(v, now)
		}
		if at <= now {
			at, due = r.judgeOne(life[M]{p, i}, now, rep, due)
		}
		next = min(next, at)
	}
	return next, due
}

// nextLook is when a life that may be learned of, and whose word is v, needs a look: when its
// patience is over, which if it is heard meanwhile may change, but to no less than its interval.
func (l life[M]) nextLook(v, now int64) int64 {
	t := l.patience()
	at := seenIn(v) + t.wait(v&suspectBit != 0) + 1
	if t.learns {
		at = min(at, now+int64(t.interval))
	}
	return at
}

// judgeOne judges one host, and returns when it needs the next look. It compares and
// evicts: the life ends only if the word is still the one that was judged. If the host
// was heard meanwhile, it is judged again.
func (r *Registry[M]) judgeOne(l life[M], now int64, rep *SweepReport, due []candidate) (int64, []candidate) {
	var v verdict
	for {
		r.judgeNow(&v, l, now)
		counted := l.mark().suspect
		if (r.cautious || v.state != Offline) && !r.note(l, &v, now, rep) {
			continue
		}
		if v.state != Offline {
			return v.next(l.mark().suspect), due
		}
		if r.cautious {
			if h, stays := r.detain(l, counted, now); stays {
				return r.keep(l, h, now, rep, due)
			}
		}
		if l.word().evict(v.word) {
			r.evicted(l, &v, now)
			rep.Evicted++
			return never, due
		}
	}
}

// note tells watchers of a host that became suspect (or is due, which something may hold
// it back from), or no longer is. It returns false if the host was heard meanwhile.
func (r *Registry[M]) note(l life[M], v *verdict, now int64, rep *SweepReport) bool {
	if v.state != Offline {
		r.release(l)
	}
	if v.state < Suspect {
		r.reconsider(l, now)
		return true
	}
	if !l.word().suspect(v.word) {
		return false
	}
	v.word |= suspectBit
	if !l.mark().suspect {
		l.mark().suspect = true
		r.zones.suspect(l.mark().zone, 1)
		rep.Suspected++
		r.counts.Suspected++
		r.emit(Suspected, l, now)
	}
	return true
}
