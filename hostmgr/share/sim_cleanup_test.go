package share

import (
	"errors"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A simCleanup is a shared cleanup that has succeeded.
type simCleanup struct {
	by    *simMember
	began time.Time
}

// An interruption is a time in which a member, or the engine, did not work.
type interruption struct {
	of           *simMember // nil: the engine
	began, ended time.Time
}

// forGood is when an interruption ends that does not end.
const forGood = 24 * time.Hour

// interrupt notes that a member, or the engine, does not work from now on for some time.
func (s *simulation) interrupt(m *simMember, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = append(s.interrupted, interruption{m, time.Now(), time.Now().Add(d)})
}

// interruptedIn reports whether a member, or the engine, was interrupted between two times.
func (s *simulation) interruptedIn(m *simMember, from, to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.interrupted, func(i interruption) bool {
		return (i.of == nil || i.of == m) && i.began.Before(to) && i.ended.After(from)
	})
}

// marks takes a write of a departure.
func (o *oracle) marks(k lifeKey, w *Write) {
	g, err := record.DecodeGone(w.Value)
	if _, known := o.marked[k]; !known && w.Expect != 0 && (w.Delete || err == nil && g.Done) {
		o.marked[k] = time.Now()
	}
}

// cleaned takes a shared cleanup that has succeeded.
func (o *oracle) cleaned(m *simMember, k lifeKey, began time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sim.trace("%s has cleaned up %v", m.name, k)
	all := append(o.cleans[k], simCleanup{m, began})
	slices.SortFunc(all, func(a, b simCleanup) int { return a.began.Compare(b.began) })
	if o.cleans[k] = all; len(all) == 1 {
		return
	}
	o.figures.cleanedTwice++
	before, last := all[:len(all)-1], all[len(all)-1] // a member may be frozen before it ends
	if !o.explained(k, before) && !o.unknown(k, before, last) {
		o.failed("%v is cleaned up twice by the members", k)
	}
}

// unknown reports whether the last cleanup was that of a member that had got no answer when it wrote
// the registration, and could not ask those that had cleaned up: they were interrupted then.
func (o *oracle) unknown(k lifeKey, before []simCleanup, last simCleanup) bool {
	return o.mayRepeat(last.by, k, false) && !slices.ContainsFunc(before, func(x simCleanup) bool {
		return !o.sim.interruptedIn(x.by, last.began, last.began)
	})
}

// explained reports whether a cleanup that has succeeded may run again. The engine may lose that it
// is done. Otherwise its member, or the engine, was interrupted between the beginning of the
// cleanup and the time at which the table was told that it is done.
func (o *oracle) explained(k lifeKey, before []simCleanup) bool {
	if o.sim.faults.lossy() {
		return o.sim.disturbedSince(before[0].began)
	}
	done, ok := o.marked[k]
	if !ok {
		done = time.Now()
	}
	return slices.ContainsFunc(before, func(x simCleanup) bool { return o.sim.interruptedIn(x.by, x.began, done) })
}

// A simWrite is a registration of a host that a member has written, or its departure.
type simWrite struct {
	by *simMember
	lifeKey
}

// answered takes what a member was told about a batch.
func (o *oracle) answered(m *simMember, batch []Write, err error) {
	if err == nil || errors.Is(err, ErrVersion) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range batch {
		switch k := record.ParseKey(batch[i].Key); k.Kind {
		case record.KindHost:
			if h, err := record.DecodeHost(batch[i].Value); err == nil {
				o.unclear[simWrite{m, lifeKey{k.ID, h.Registration}}] = true
			}
		case record.KindGone:
			o.unclear[simWrite{m, lifeKey{k.ID, k.Registration}}] = true
		}
	}
}

// mayRepeat reports whether a departure may be written again although the engine has lost nothing.
// A member does so that does not know whether the table ever had the registration, because it got
// no answer. If it writes the registration again instead, a member that knows the end writes that,
// as done.
func (o *oracle) mayRepeat(m *simMember, k lifeKey, done bool) bool {
	for x := range o.unclear {
		if x.lifeKey == k && (x.by == m || done) {
			return true
		}
	}
	return false
}
