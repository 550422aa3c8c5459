package member_test

import (
	"maps"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A registry is a naive registry, as Core sees it.
type registry struct {
	w        *world
	name     string
	life     int // a crash begins another one
	hosts    map[string]*local
	vouched  [256]int64
	stalled  int64           // by which deadlines are later
	changed  map[string]bool // whether the content has
	departed []departed
	refuse   map[string]bool // hosts whose metadata it cannot read
	parted   map[string]*local
}

type local struct {
	registration, incarnation uint64
	assigned                  bool
	contact                   int64 // own; 0: none
	since                     int64 // from which its silence counts without a contact
	keeper                    uint8
	suspect                   bool // as the table says
	due                       bool // has been reported
	awaited                   bool
	metadata                  string
}

type change struct {
	id      string
	content bool
}

type departed struct {
	id string
	member.Ending
}

func newRegistry(w *world, name string) *registry {
	r := &registry{w: w, name: name, refuse: map[string]bool{}}
	r.clear()
	return r
}

func (r *registry) clear() {
	r.life++
	r.hosts, r.changed, r.departed, r.parted = map[string]*local{}, map[string]bool{}, nil, map[string]*local{}
}

func (r *registry) announce(id string, incarnation uint64, metadata string) {
	h := r.hosts[id]
	if h != nil && incarnation > h.incarnation && incarnation != 0 {
		r.end(id, 3, false)
		h = nil
	}
	if h == nil {
		r.w.registrations++
		h = &local{registration: r.w.registrations, incarnation: incarnation, assigned: incarnation == 0}
		if incarnation == 0 {
			h.incarnation = r.w.registrations
		}
		r.hosts[id] = h
	}
	h.metadata, h.contact, h.suspect, h.due = metadata, r.w.now, false, false
	r.changed[id] = true
}

func (r *registry) heartbeat(id string) bool {
	h := r.hosts[id]
	if h == nil {
		return false
	}
	if h.contact = r.w.now; h.suspect || h.due || h.awaited {
		r.note(id)
	}
	h.suspect, h.due, h.awaited = false, false, false
	return true
}

func (r *registry) leave(id string) bool { return r.hosts[id] != nil && r.end(id, 1, false) }

func (r *registry) end(id string, kind uint8, settled bool) bool {
	h := r.hosts[id]
	x := member.Ending{
		Registration: h.registration, Incarnation: h.incarnation, Kind: kind, Settled: settled, Forgotten: kind == 4,
		Content: r.content(h), Evidence: []byte("{}"),
	}
	r.departed = append(r.departed, departed{id, x})
	r.gone(id, kind)
	return true
}

func (r *registry) gone(id string, kind uint8) {
	r.w.departs(r, id, r.hosts[id].registration, kind)
	delete(r.hosts, id)
	delete(r.changed, id)
}

func (r *registry) sweep() {
	for id, h := range r.hosts { // in any order
		if r.isDue(h) && (!h.due || r.w.now%sec < 100*ms) {
			h.due = true
			r.note(id)
		}
	}
}

// note notes a change, but not of the content.
func (r *registry) note(id string) {
	if _, ok := r.changed[id]; !ok {
		r.changed[id] = false
	}
}

func (r *registry) isHeard(h *local) bool { return h.contact > 0 && r.w.now-h.contact <= timeout }

func (r *registry) isDue(h *local) bool { return r.w.now > r.deadline(h) }

func (r *registry) deadline(h *local) int64 {
	last := max(h.contact, h.since)
	if h.keeper != 0 {
		last = max(last, r.vouched[h.keeper])
	}
	return last + timeout + r.stalled
}

func (r *registry) take(most int) (changed []change, gone []departed) {
	if most > 0 {
		for _, id := range slices.Sorted(maps.Keys(r.changed)) {
			if len(changed) < most {
				changed = append(changed, change{id, r.changed[id]})
				delete(r.changed, id)
			}
		}
	}
	gone, r.departed = r.departed, nil
	return changed, gone
}

func (r *registry) Look(id string) (l member.Local, ok bool) {
	h := r.hosts[id]
	if h == nil {
		return l, false
	}
	return r.look(h), true
}

func (r *registry) look(h *local) member.Local {
	return member.Local{
		Registration: h.registration, Incarnation: h.incarnation, Keeper: h.keeper, Assigned: h.assigned,
		Heard: r.isHeard(h), Due: r.isDue(h), Suspect: h.keeper == 0 && r.isDue(h), Word: h.contact, Now: r.w.now,
		Silence: r.w.now - max(h.contact, h.since), Timeout: timeout,
		Interval: interval, Ago: r.w.now - h.contact,
	}
}

func (r *registry) content(h *local) record.Content {
	return record.Content{
		Incarnation: h.incarnation, Assigned: h.assigned, Interval: uint64(interval), Metadata: []byte(h.metadata),
	}
}

func (r *registry) Content(id string) (registration uint64, c record.Content, ok bool) {
	h := r.hosts[id]
	if h == nil {
		return 0, c, false
	}
	return h.registration, r.content(h), true
}

func (r *registry) Scan(yield func(id string, l member.Local) bool) {
	for _, id := range slices.Sorted(maps.Keys(r.hosts)) {
		if !yield(id, r.look(r.hosts[id])) {
			return
		}
	}
}

func (r *registry) Reflect(id string, rec *record.Host, as member.Reflection, keep bool) member.Outcome {
	if r.refuse[id] || slices.ContainsFunc(r.departed, func(d departed) bool {
		return d.id == id && d.Registration == rec.Registration
	}) {
		return member.Refused
	}
	h := r.hosts[id]
	if h != nil && h.registration != rec.Registration && (!h.assigned || !rec.Assigned) {
		switch {
		case rec.Incarnation < h.incarnation:
			return member.NewerHere
		case rec.Incarnation > h.incarnation:
			r.end(id, 3, false)
			h = nil
		}
	}
	if h == nil {
		h, keep = &local{since: r.w.now}, false
		if p := r.parted[id]; p != nil && (p.incarnation == rec.Incarnation || p.assigned && rec.Assigned) {
			h.contact = p.contact
		}
		r.hosts[id] = h
		r.w.joins(r, id, rec.Registration)
	}
	h.registration, h.incarnation, h.assigned = rec.Registration, rec.Incarnation, rec.Assigned
	h.keeper, h.suspect = as.Keeper, as.Suspect && as.Keeper != 0
	if !keep && !r.changed[id] {
		h.metadata = string(rec.Metadata)
	}
	h.due = h.due && r.isDue(h)
	return member.Reflected
}

func (r *registry) Assign(id string, registration uint64, as member.Reflection) bool {
	h := r.hosts[id]
	if h == nil || h.registration != registration {
		return false
	}
	if h.keeper != as.Keeper {
		h.since, h.due = max(h.since, r.vouched[h.keeper]), false
	}
	h.keeper, h.suspect = as.Keeper, as.Suspect && as.Keeper != 0
	return true
}

func (r *registry) Depart(id string, registration uint64, how *record.Gone) {
	if h := r.hosts[id]; h != nil && h.registration == registration {
		kind := uint8(2)
		if how != nil {
			kind = how.Kind
		}
		r.parted[id] = h
		r.gone(id, kind)
	}
}

func (r *registry) Await(id string, registration uint64) {
	if h := r.hosts[id]; h != nil && h.registration == registration && h.keeper != 0 {
		h.awaited = true
	}
}

func (r *registry) Vouch(keeper uint8, until int64) { r.vouched[keeper] = r.w.now + until }

func (r *registry) Settle(id string, registration uint64, word, asked, until int64) member.Outcome {
	h := r.hosts[id]
	switch {
	case h == nil || h.registration != registration:
		return member.Unknown
	case h.contact != word || !r.isDue(h) || r.deadline(h) > asked:
		return member.Saved
	case r.w.now >= until:
		return member.TooLate
	}
	r.w.evicts(r, id)
	r.end(id, 2, true)
	return member.Evicted
}
