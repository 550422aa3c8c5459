package hostmgr

import (
	"context"
	"time"
)

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
// the cleanups that are. It is for embedders with a scheduler of their own; Next
// says when it may have work. A concurrent Sweep waits for its turn. When ctx
// ends it stops early, without doing any harm: what it left undone is done by
// the next one.
func (r *Registry[M]) Sweep(ctx context.Context) SweepReport {
	rep, due := r.scan(ctx, true)
	r.ask(ctx, due, &rep)
	for until := r.time.now(); ; r.tick(&rep) {
		cleaned, tried := r.clean.byHand(ctx, until)
		if cleaned {
			rep.Cleaned++
		}
		if !tried {
			break
		}
	}
	r.report(rep)
	return rep
}

// report logs what an operator would want to know.
func (r *Registry[M]) report(rep SweepReport) {
	if rep.Excused > 0 {
		r.cfg.Logger.Warn("stall: the registry was not listening", "excused", rep.Excused)
	}
}

// RunGC is Sweep in the form of a gc task, and of Dragonfly's. It returns an
// error only if ctx ended.
func (r *Registry[M]) RunGC(ctx context.Context) error {
	r.Sweep(ctx)
	return ctx.Err()
}

// scan looks at every page that is due. Nothing waits long for it: it takes mu
// for one page at a time. It returns the hosts that Confirm is to be asked about.
func (r *Registry[M]) scan(ctx context.Context, held bool) (rep SweepReport, due []*life[M]) {
	select {
	case r.sweepGate <- struct{}{}:
	case <-ctx.Done():
		return rep, nil
	}
	defer func() { <-r.sweepGate }()

	pages := r.beginScan(&rep, held)
	for _, p := range pages {
		if ctx.Err() != nil {
			break
		}
		due = r.look(p, &rep, due)
	}
	if len(pages) > 0 {
		r.tick(&rep) // so that a long sweep is no stall, and a stall in it is one
	}
	return rep, due
}

func (r *Registry[M]) beginScan(rep *SweepReport, held bool) []int {
	now := r.tick(rep)
	rep.At = r.time.wall(now)
	r.mu.Lock()
	defer r.unlock()
	r.counts.Sweeps++
	return r.roster.due(now, held)
}

// tick notes that the registry is listening, and finds out if it was not.
func (r *Registry[M]) tick(rep *SweepReport) (now int64) {
	now = r.time.now()
	r.time.mark(now)
	r.mu.Lock()
	rep.Excused += time.Duration(r.ledger.tick(now))
	r.unlock()
	return now
}

// look judges the hosts of one page, and sets the page's bound anew. It goes
// from the last host to the first, because a removal puts the roster's last host
// into the gap: one of a page that was passed already.
func (r *Registry[M]) look(p int, rep *SweepReport, due []*life[M]) []*life[M] {
	now := r.tick(rep)
	r.mu.Lock()
	defer r.unlock()
	if p >= len(r.roster.pages) {
		return due
	}
	pg := r.roster.pages[p]
	pg.due, pg.held = never, false
	next := never
	for i := r.roster.size(p) - 1; i >= 0; i-- {
		l := pg.lives[i]
		v := r.judgeAndEvict(l, now, rep)
		rep.Looked++
		switch {
		case v.state != Offline:
			next = min(next, v.next(l.suspect))
		case l.word.v.Load() >= 0: // it is due, but Confirm must be asked
			if _, held := r.holds[l]; !held {
				r.hold(l, "awaiting Confirm", now)
			}
			pg.held = true
			rep.Held++
			next = min(next, now+int64(holdPause))
			due = append(due, l)
		}
	}
	pg.due = min(pg.due, next)
	return due
}

// judgeAndEvict compares and evicts: the life ends only if the word is still
// the one that was judged. If the host was heard meanwhile, it is judged again.
// A verdict of Offline with the word alive means that it is due but may not be
// evicted without asking.
func (r *Registry[M]) judgeAndEvict(l *life[M], now int64, rep *SweepReport) verdict {
	for {
		v := r.verdict(l, now)
		switch {
		case v.state == Offline && r.cfg.Confirm != nil:
			return v
		case v.state == Offline && l.word.evict(v.word):
			r.depart(l, Evicted, now)
			rep.Evicted++
			return v
		case v.state != Offline && r.note(l, v, now, rep):
			return v
		}
	}
}

// note tells watchers of a host that became suspect, or no longer is. It returns
// false if the host was heard meanwhile.
func (r *Registry[M]) note(l *life[M], v verdict, now int64, rep *SweepReport) bool {
	r.release(l)
	switch {
	case v.state != Suspect:
		r.reconsider(l, now)
		return true
	case !l.word.suspect(v.word):
		return false
	case !l.suspect:
		l.suspect = true
		r.counts.Suspects++
		rep.Suspected++
		r.emit(Suspected, l, now)
	}
	return true
}
