package hostmgr

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// localChanges has what Sharing.Take will return. A host is in it once, however often it changes:
// its entry says whether it is. So it is bounded by the number of hosts, and by the departures
// since the last Take. The registry's lock guards it.
type localChanges[M any] struct {
	wake     func()
	hosts    []hostKey
	departed []*Departure[M]
	ended    map[hostKey]int // how many of departed each registration has; nil if there are none
	applying bool            // what other members know is applied: that is no change of this registry
	parted   partings
}

// note notes that a host has changed here, and sets wake to what unlock is to call. It does nothing
// in a registry that is not shared.
func (c *localChanges[M]) note(e index.Entry, wake *func()) {
	if c == nil || c.applying || e.Changed() {
		return
	}
	e.SetChanged(true)
	c.hosts = append(c.hosts, keyOf(e))
	*wake = c.wake
}

// noteContact is note for a contact of a host that Await has marked as a suspect, although it is
// none. was is the word from before the contact.
func (c *localChanges[M]) noteContact(e index.Entry, was int64, wake *func()) {
	if index.IsSuspect(was) && !e.Suspect() {
		c.note(e, wake)
	}
}

// noteContent is note for a host of which the metadata, the zone or the interval have changed here.
func (c *localChanges[M]) noteContent(e index.Entry, wake *func()) {
	if c != nil && !c.applying {
		e.SetAnnounced(true)
		c.note(e, wake)
	}
}

// move notes for a registration what is noted for an earlier one of the same host.
func (c *localChanges[M]) move(from, to index.Entry) {
	if from.Changed() {
		to.SetChanged(true)
		to.SetAnnounced(from.Announced())
		c.hosts = append(c.hosts, keyOf(to))
	}
}

// takeHosts removes up to n hosts from the list, and returns them. It passes over hosts that have
// departed.
func (c *localChanges[M]) takeHosts(x *index.Index, n int) (changed []shared.Change) {
	for len(changed) < n && len(c.hosts) > 0 {
		for _, k := range takeFirst(&c.hosts, n-len(changed)) {
			if e, ok := x.LookupRegistration(k.hash, k.registration); ok && e.Changed() {
				changed = append(changed, shared.Change{ID: strings.Clone(e.ID()), Content: e.Announced()})
				e.SetChanged(false)
				e.SetAnnounced(false)
			}
		}
	}
	return changed
}

// takeDepartures removes up to n departures from the list, and returns them.
func (c *localChanges[M]) takeDepartures(x *index.Index, n int) []*Departure[M] {
	departed := takeFirst(&c.departed, n)
	for _, d := range departed {
		k := hostKey{x.Hash(d.Host.ID), d.Host.Registration}
		if c.ended[k]--; c.ended[k] == 0 {
			delete(c.ended, k)
		}
	}
	if len(c.ended) == 0 {
		c.ended = nil
	}
	return departed
}

// noteDeparture is note for a departure that was decided here. Watchers may share it.
func (c *localChanges[M]) noteDeparture(k hostKey, d *Departure[M], wake *func()) {
	if c != nil && !c.applying {
		if c.ended == nil {
			c.ended = map[hostKey]int{}
		}
		c.ended[k]++
		c.departed = append(c.departed, d)
		*wake = c.wake
	}
}

// takeFirst removes the first n elements of a list, and returns them. The list keeps no memory when
// it is empty.
func takeFirst[T any](list *[]T, n int) []T {
	n = max(0, min(n, len(*list)))
	first := (*list)[:n:n]
	if *list = (*list)[n:]; len(*list) == 0 {
		*list = nil
	}
	return first
}
