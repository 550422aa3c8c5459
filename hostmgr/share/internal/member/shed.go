package member

import (
	"maps"
	"slices"
)

const roomy = 1024 // entries: less room is kept

// peaks are the largest lengths of maps since they were copied last.
type peaks struct{ matters, debts, trials, hosts, due int }

// shed releases the memory of a burst, such as the death of many hosts. Maps and slices keep the
// room for all that they had at a time. Each copy has at most a third of what was removed before it.
func (c *Core) shed() {
	p := &c.peaks
	c.matters, c.debts.of = shrink(c.matters, &p.matters), shrink(c.debts.of, &p.debts)
	c.trials = shrink(c.trials, &p.trials)
	c.hosts.of, c.dueSince = shrink(c.hosts.of, &p.hosts), shrink(c.dueSince, &p.due)
	c.agenda.items = trim(c.agenda.items)
	c.debts.ready, c.debts.queue, c.debts.answers = trim(c.debts.ready), trim(c.debts.queue), trim(c.debts.answers)
	c.todo, c.backlog = trim(c.todo), trim(c.backlog)
	c.asked, c.holds = trim(c.asked), trim(c.holds)
	c.outbox.urgent, c.outbox.groups, c.outbox.again = trim(c.outbox.urgent), trim(c.outbox.groups), trim(c.outbox.again)
}

// shrink returns a map, or a copy if three quarters of its entries have gone.
func shrink[K comparable, V any](m map[K]V, peak *int) map[K]V {
	*peak = max(*peak, len(m))
	if *peak < roomy || len(m) > *peak/4 {
		return m
	}
	*peak = len(m)
	fresh := make(map[K]V, len(m))
	maps.Copy(fresh, m)
	return fresh
}

// trim returns a slice, or a copy if three quarters of its room are not used.
func trim[E any](s []E) []E {
	switch {
	case len(s) == 0:
		return nil // its elements may have been taken from the front
	case cap(s) >= roomy && len(s) <= cap(s)/4:
		return slices.Clone(s)
	}
	return s
}
