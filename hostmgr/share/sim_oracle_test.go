package share

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

type tableOf = table.Table

// A lifeKey names a registration of a host.
type lifeKey struct {
	host         string
	registration uint64
}

// A simContact is a contact that a member has acknowledged.
type simContact struct {
	began, ended time.Time
	member       string // its id at that time
	incarnation  uint64 // of the process, or 0
	process      *process
}

// A question is the latest state of a host's record that matters to the promise.
type question struct {
	asked  bool
	keeper string
	at     time.Time // when it was asked
}

// An oracle knows what really happened, and what must not happen.
type oracle struct {
	sim *simulation

	mu        sync.Mutex // guards all below
	contacts  map[string][]simContact
	questions map[*tableOf]map[string]question
	changes   int
	born      map[lifeKey]bool
	ended     map[lifeKey]int
	cleans    map[lifeKey][]simCleanup
	marked    map[lifeKey]time.Time // when a table was first told that a cleanup is done
	unclear   map[simWrite]bool
	faults    []string
	figures   simFigures
}

// simFigures are counts over one or many simulations.
type simFigures struct {
	contacts, joins, left, evicted, replaced int
	departedTwice, cleanedTwice, evictedCut  int
	faults                                   int
	silence                                  []time.Duration
}

func newOracle(s *simulation) *oracle {
	return &oracle{
		sim: s, contacts: map[string][]simContact{}, questions: map[*tableOf]map[string]question{},
		born: map[lifeKey]bool{}, ended: map[lifeKey]int{}, cleans: map[lifeKey][]simCleanup{},
		marked: map[lifeKey]time.Time{}, unclear: map[simWrite]bool{},
	}
}

func (o *oracle) fail(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed(format, args...)
}

// failed is fail for a caller that holds the lock.
func (o *oracle) failed(format string, args ...any) {
	text := fmt.Sprintf("%v: ", time.Since(o.sim.start)) + fmt.Sprintf(format, args...)
	o.faults = append(o.faults, text)
	o.sim.trace("WRONG %s", text)
}

func (o *oracle) contact(host string, incarnation uint64, m *simMember, began time.Time) {
	id := m.share.Stats().ID
	o.mu.Lock()
	defer o.mu.Unlock()
	o.figures.contacts++
	o.contacts[host] = append(o.contacts[host], simContact{began, time.Now(), id, incarnation, m.p})
	o.sim.trace("contact %s at %s (%s)", host, m.name, id)
}

func (o *oracle) leaves(host string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.contacts, host)
	o.sim.trace("%s leaves", host)
}

// wrote takes a batch of a member that a table has taken. It returns how many changes tables have
// taken so far.
func (o *oracle) wrote(m *simMember, t *tableOf, batch []Write) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changes += len(batch)
	for i := range batch {
		w := &batch[i]
		switch k := record.ParseKey(w.Key); k.Kind {
		case record.KindHost:
			o.hostWritten(t, k.ID, w)
		case record.KindGone:
			if w.Expect == 0 {
				o.departed(m, t, lifeKey{k.ID, k.Registration}, w)
			}
			o.marks(lifeKey{k.ID, k.Registration}, w)
		case record.KindMember:
			if w.Expect == 0 || w.Delete {
				o.sim.trace("member %s, deleted %v", k.ID, w.Delete)
			}
		}
	}
	return o.changes
}

func (o *oracle) hostWritten(t *tableOf, id string, w *Write) {
	if w.Delete {
		return
	}
	h, err := record.DecodeHost(w.Value)
	if err != nil {
		o.failed("a malformed record of %s: %v", id, err)
		return
	}
	o.sim.trace("record %s: registration %d incarnation %d keeper %s suspect %v asked %v claimed %v", id, h.Registration, h.Incarnation, h.Keeper, h.Suspect, h.Asked, h.Claimed)
	if !o.born[lifeKey{id, h.Registration}] {
		o.born[lifeKey{id, h.Registration}] = true
		o.figures.joins++
	}
	if o.questions[t] == nil {
		o.questions[t] = map[string]question{}
	}
	was := o.questions[t][id]
	q := question{asked: h.Asked, keeper: h.Keeper, at: was.at}
	if h.Asked && (!was.asked || was.keeper != h.Keeper) {
		q.at = time.Now()
	}
	o.questions[t][id] = q
}

func (o *oracle) departed(m *simMember, t *tableOf, k lifeKey, w *Write) {
	g, err := record.DecodeGone(w.Value)
	if err != nil {
		o.failed("a malformed departure of %v: %v", k, err)
		return
	}
	kind := hostmgr.DepartureKind(g.Kind)
	o.sim.trace("departure %s %d: %v", k.host, k.registration, kind)
	if o.ended[k]++; o.ended[k] > 1 {
		o.figures.departedTwice++
		if !o.sim.faults.lossy() && !o.mayRepeat(m, k, g.Done) {
			o.failed("%v departs twice", k)
		}
	}
	switch kind {
	case hostmgr.DepartureLeft:
		o.figures.left++
	case hostmgr.DepartureReplaced:
		o.figures.replaced++
	case hostmgr.DepartureEvicted:
		o.figures.evicted++
		o.evicted(t, k, g.Host.Incarnation)
	}
}

// hasEnded reports whether a table has ever taken the departure of a registration.
func (o *oracle) hasEnded(k lifeKey) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended[k] > 0
}

// evicted checks the promise: a contact that a live member acknowledged before the question was
// asked protects its host, unless it is of a later process.
func (o *oracle) evicted(t *tableOf, k lifeKey, incarnation uint64) {
	now, asked := time.Now(), o.questions[t][k.host].at
	live := membersOf(t)
	last := time.Time{}
	cut := false
	for _, c := range o.contacts[k.host] {
		if c.began.After(last) {
			last = c.began
		}
		if now.Sub(c.began) > o.sim.leastTimeout || c.ended.After(asked) || c.incarnation > incarnation {
			continue
		}
		if live[c.member] {
			o.failed("%v is evicted, asked at %v, but %s heard it at %v", k, asked.Sub(o.sim.start), c.member, c.began.Sub(o.sim.start))
		} else if !c.process.isDead() {
			cut = true
		}
	}
	if cut {
		o.figures.evictedCut++
	}
	if !last.IsZero() {
		o.figures.silence = append(o.figures.silence, now.Sub(last))
	}
}

// membersOf returns the ids of the members in a table.
func membersOf(t *tableOf) map[string]bool {
	live := map[string]bool{}
	for key := range recordsOf(t) {
		if k := record.ParseKey(key); k.Kind == record.KindMember {
			live[k.ID] = true
		}
	}
	return live
}

// recordsOf returns all records of a table.
func recordsOf(t *tableOf) map[string][]byte {
	records := map[string][]byte{}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := &memory{}
	m.Use(t)
	_ = m.Feed(ctx, Position{}, func(f Frame) bool {
		for _, r := range f.Snapshot {
			records[r.Key] = r.Value
		}
		return !f.Synced
	})
	return records
}

// check checks what must be true when all is at rest.
func (o *oracle) check() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k := range o.born {
		if o.ended[k] == 0 && !o.sim.faults.lossy() && !o.sim.isRegistered(k) {
			o.failed("%v is lost", k)
		}
	}
	for k := range o.ended {
		if mayBeLost := o.sim.faults.lossy() && o.sim.faults.crash; len(o.cleans[k]) == 0 && !mayBeLost {
			o.failed("%v is not cleaned up by the members", k)
		}
	}
	o.figures.faults = len(o.faults)
}
