package model

import (
	"cmp"
	"slices"
	"time"
)

// A table is all that the protocol asks of an engine: versioned records with one ordered feed.
type table struct {
	w        *world
	epoch    int
	term     int    // of its primary: another one after a failover
	version  uint64 // of the latest change; its revision is the length of the log
	batches  int
	records  map[key]record
	log      []change
	first    int // changes up to this revision are trimmed
	down     bool
	readers  []reader // that wait for a change
	lost     int      // how often it went back
	departed map[int]bool
	wrote    func(t *table, c change, was any, again bool) // tells the oracle
}

type key struct {
	kind byte // h: host, m: member, g: gone
	id   int  // of the host, of the member; registration that is gone
}

type record struct {
	revision int // 0: there is none
	version  uint64
	value    any
	at       time.Duration // for the oracle
}

type change struct {
	revision          int
	version, previous uint64
	key               key
	value             any // nil: deleted
	batch             int
	at                time.Duration // for the oracle
}

type write struct {
	key    key
	expect uint64 // version; 0: no record
	value  any    // nil: delete
}

type reader struct {
	revision int
	reply    func([]change, int)
}

func newTable(w *world) *table {
	return &table{w: w, epoch: 1, records: map[key]record{}, departed: map[int]bool{}}
}

func (t *table) revision() int { return len(t.log) }

// write does all writes of a batch, or none.
func (t *table) write(batch []write) (ok bool) {
	for _, b := range batch {
		if t.records[b.key].version != b.expect {
			return false
		}
	}
	t.batches++
	for _, b := range batch {
		if h, ok := b.value.(hostRecord); ok && h.asked && h.askedAt == 0 {
			h.askedAt = t.w.now
			b.value = h
		}
		c := change{t.revision() + 1, t.w.rand.Uint64() | 1, t.version, b.key, b.value, t.batches, t.w.now}
		was := t.records[b.key].value
		t.wrote(t, c, was, t.apply(c))
	}
	for _, r := range t.take() {
		r.reply(t.since(r.revision), t.epoch)
	}
	return true
}

// apply returns true if a registration departs again in this history: the oracle asks that.
func (t *table) apply(c change) (again bool) {
	if g, ok := c.value.(goneRecord); ok && !g.done && !g.repeated && t.records[c.key].value == nil {
		again = t.departed[g.registration]
		t.departed[g.registration] = true
	}
	t.log, t.version = append(t.log, c), c.version
	if c.value == nil {
		delete(t.records, c.key)
	} else {
		t.records[c.key] = record{c.revision, c.version, c.value, c.at}
	}
	return again
}

// since returns the changes after a revision, or those that are left of them.
func (t *table) since(revision int) []change {
	return t.log[min(max(revision, t.first), len(t.log)):]
}

// read replies with the changes after a revision, as soon as there are any.
func (t *table) read(revision, epoch int, reply func([]change, int)) {
	if c := t.since(revision); len(c) > 0 || epoch != t.epoch {
		reply(c, t.epoch)
		return
	}
	t.readers = append(t.readers, reader{revision, reply})
}

func (t *table) take() (rs []reader) {
	rs, t.readers = t.readers, nil
	return rs
}

// A position is a change that a reader has read last.
type position struct {
	epoch, term, revision int
	version               uint64
}

// has reports whether the table still has what was read up to a position. If the change was trimmed
// it has, unless there was a failover since.
func (t *table) has(p position) bool {
	switch {
	case p.epoch != t.epoch || p.revision > t.revision():
		return false
	case p.revision < t.first || p.revision == 0:
		return p.term == t.term
	}
	return t.log[p.revision-1].version == p.version
}

// A snapshot is all records, in order.
type snapshot struct {
	position
	back    bool // the table does not have what the reader read before
	keys    []key
	records map[key]record
}

func (t *table) snapshot(before position) *snapshot {
	s := &snapshot{
		position: position{t.epoch, t.term, t.revision(), t.version}, back: before.epoch != 0 && !t.has(before),
		keys: make([]key, 0, len(t.records)), records: make(map[key]record, len(t.records)),
	}
	for k, r := range t.records {
		s.keys = append(s.keys, k)
		s.records[k] = r
	}
	slices.SortFunc(s.keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	return s
}

// knew reports whether a member has had a record in this history.
func (t *table) knew(member int) bool {
	for i := range t.log {
		if t.log[i].key == (key{'m', member}) {
			return true
		}
	}
	return false
}

// Faults of an engine.

// lose takes the latest n changes back, as a failover to a replica that lags does. A batch is
// replicated as a whole.
func (t *table) lose(n int) {
	keep := max(0, len(t.log)-n)
	for keep > 0 && keep < len(t.log) && t.log[keep-1].batch == t.log[keep].batch {
		keep--
	}
	log := t.log[:keep:keep]
	t.log, t.records, t.version, t.readers = nil, map[key]record{}, 0, nil
	clear(t.departed)
	for _, c := range log {
		t.apply(c)
	}
	t.first = min(t.first, keep)
	t.lost++
	t.term++
}

// wipe restarts the engine empty.
func (t *table) wipe() {
	t.records, t.log, t.first, t.version, t.readers = map[key]record{}, nil, 0, 0, nil
	clear(t.departed)
	t.epoch++
	t.lost++
}

// fork returns the replica that is promoted while the old primary goes on.
func (t *table) fork() *table {
	f := *t
	f.term++
	f.records, f.log, f.readers = map[key]record{}, slices.Clone(t.log), nil
	f.departed = map[int]bool{}
	for k, r := range t.records {
		f.records[k] = r
	}
	for r := range t.departed {
		f.departed[r] = true
	}
	return &f
}

// stop makes the engine unreachable for a time.
func (t *table) stop(d time.Duration) {
	t.down, t.readers = true, nil
	t.w.after(d, func() { t.down = false })
}
