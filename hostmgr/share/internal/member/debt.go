package member

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

const (
	kindForgotten = 4 // hostmgr.DepartureForgotten: no cleanup
	firstPause    = 100 * millisecond
	maxPause      = 30 * second
	debtPause     = 250 * millisecond
	maxCleaning   = 16 // cleanups of this member at a time
)

// A debt is a shared cleanup that is owed: a gone record in the table.
type debt struct {
	key, host    string
	registration uint64
	revision     uint64
	version      uint64
	value        []byte
	cleaner      string
	since        int64 // when this member first saw it
	shown        bool  // by the present feed
	lost         bool  // by the table, and to be written again
	own          bool  // this process was its cleaner when the feed last showed it
	running      bool  // its cleanup
	cleaned      bool  // it is done, or there is nothing to do, and the record is to be deleted
	done         bool  // by this member, whatever the cleaner is now
	marked       bool  // as the table says
	repeated     bool  // the table may have had it before: others may know that it is done
	ready        bool  // it is in debts.ready
	attempt      int
	heir         int64 // when this member may take it over; 0: not known
	turn         int64 // when it may be written again
	next         int64 // when it is looked at again; past: it is not
	sent         *group
	tries        int
}

// debts has the cleanups that are owed by all members. Those of one host run one after another.
type debts struct {
	of      map[string]*debt
	ready   []*debt
	busy    map[string]bool // hosts whose cleanup runs here
	running int
	queue   []owed
	answers []answer
}

func newDebts() debts { return debts{of: map[string]*debt{}, busy: map[string]bool{}} }

// seeGone takes the news of a departure.
func (c *Core) seeGone(k record.Key, ch *feed.Change) {
	m := c.matters[k.ID]
	if m != nil && m.sent.has(ch.Version) {
		c.progress(m, ch.Version)
	}
	at := departed{c.keyOf(k.ID), k.Registration}
	if ch.Deleted {
		c.ended.cleaned(at)
		delete(c.trials, at)
		delete(c.debts.of, ch.Key)
		return
	}
	g, err := record.DecodeGone(ch.Value)
	if err != nil || g.Host.Registration != k.Registration {
		c.malformed(ch.Key, cmp.Or(err, record.ErrFormat))
		return
	}
	known, _ := c.ended.get(at.host, at.registration)
	c.ended.add(at, end{g.Kind, g.Done})
	c.registry.Depart(k.ID, k.Registration, &g)
	if m != nil {
		c.over(m, k.Registration)
	}
	c.outlived(k, &g)
	d := c.debts.of[ch.Key]
	if d == nil {
		d = &debt{key: ch.Key, host: k.ID, registration: k.Registration}
		c.debts.add(d, c.now)
	}
	d.version, d.value, d.cleaner, d.shown, d.sent = ch.Version, ch.Value, g.Cleaner, true, nil
	d.heir = 0
	d.revision, d.marked, d.lost, d.own = ch.Revision, g.Done, false, g.Cleaner == c.self.id
	d.repeated = c.repeats(at) || d.repeated
	d.done = d.done || known.done // the table has lost that, or an old write came late
	d.cleaned = d.cleaned || d.done || g.Done || g.Kind == kindForgotten || !c.Cleans
	c.debts.answer(d)
	if c.synced {
		c.debts.look(c, d.key)
	}
}

// has reports whether the table has a record of a departure.
func (b *debts) has(key string) bool {
	d := b.of[key]
	return d != nil && !d.lost
}

// turn begins another feed.
func (b *debts) turn() {
	for _, d := range b.of {
		d.shown = false
	}
}

// dropMissing takes the end of a snapshot. What it does not have is done, unless the table has gone
// back. Then it may have lost the record: its cleaner writes it again, and if that is gone, an heir
// does so after a Lapse.
func (b *debts) dropMissing(c *Core, back bool) {
	for _, k := range slices.Sorted(maps.Keys(b.of)) {
		switch d := b.of[k]; {
		case d.shown, d.lost && !back:
		case !back || d.marked || d.cleaned && !d.done:
			c.ended.cleaned(departed{c.keyOf(d.host), d.registration})
			delete(b.of, k)
		default:
			d.lost, d.version, d.sent = true, 0, nil
			d.turn = c.now
			if !d.own {
				d.turn += c.Lapse * (1 + c.rank(k))
			}
		}
	}
}

// orphaned looks at the debts whose cleaner is dead.
func (b *debts) orphaned(c *Core) {
	if !c.synced {
		return
	}
	var keys []string
	for k, d := range b.of {
		if d.lost || c.peers[d.cleaner] == nil || d.cleaner == c.self.id {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		b.look(c, k)
	}
}

// look does what there is to do about a debt.
func (b *debts) look(c *Core, key string) {
	d := b.of[key]
	if d != nil && d.sent.isLost(c.now) {
		d.sent = nil
	}
	switch {
	case d == nil || !c.acts():
	case d.sent != nil:
		if d.sent.acked {
			b.later(c, d, d.sent.echoBy)
		}
	case d.lost:
		b.writeAgain(c, d)
	case d.running:
	case d.done && !d.marked:
		b.mark(c, d)
	case d.cleaned && c.now < c.quiet:
		b.later(c, d, c.quiet)
	case d.cleaned && c.floor() < d.revision:
		b.later(c, d, c.now+debtPause)
	case d.done || d.cleaned && (d.cleaner == c.self.id || c.peers[d.cleaner] == nil):
		w := Write{Key: key, Expect: d.version, Version: c.version(), Delete: true}
		c.send(&group{writes: []Write{w}, debt: d})
	case d.cleaner == c.self.id && d.repeated && c.now < c.quiet: // others may not be there yet
		b.later(c, d, c.quiet)
	case d.cleaner == c.self.id && d.repeated && c.floor() < d.revision:
		b.later(c, d, c.now+debtPause)
	case d.cleaner == c.self.id && !d.ready:
		d.ready = true
		b.ready = append(b.ready, d)
	case c.peers[d.cleaner] == nil:
		b.takeOver(c, d)
	}
}

// later looks at a debt again at some time, or before: it has one appointment, however often it is
// looked at meanwhile.
func (b *debts) later(c *Core, d *debt, at int64) {
	if d.next <= c.now || d.next > at {
		d.next = at
		c.agenda.add(appointment{at: at, key: d.key, debt: true})
	}
}

// writeAgain writes a record that the table has lost.
func (b *debts) writeAgain(c *Core, d *debt) {
	if c.now < d.turn {
		b.later(c, d, d.turn)
		return
	}
	if g, err := record.DecodeGone(d.value); err == nil {
		g.Cleaner, g.Done, d.repeated = c.self.id, d.done, true
		w := Write{Key: d.key, Version: c.version(), Value: g.Encode()}
		c.send(&group{writes: []Write{w}, debt: d})
	}
}

// mark writes that a cleanup is done. The record stays until all members have read it: one that
// reads a snapshot meanwhile learns from it how the host has departed.
func (b *debts) mark(c *Core, d *debt) {
	g, err := record.DecodeGone(d.value)
	if err != nil {
		return
	}
	g.Done = true
	w := Write{Key: d.key, Expect: d.version, Version: c.version(), Value: g.Encode()}
	c.send(&group{writes: []Write{w}, debt: d})
}

// takeOver makes this member the cleaner if it is the heir. It waits a Lapse more for each member
// that comes before it.
func (b *debts) takeOver(c *Core, d *debt) {
	if d.heir == 0 {
		d.heir = c.now + c.rank(d.key)*c.Lapse
	}
	if at := max(d.heir, c.quiet); c.now < at {
		b.later(c, d, at)
		return
	}
	g, err := record.DecodeGone(d.value)
	if err != nil {
		return
	}
	g.Cleaner = c.self.id
	c.counts.TakenOver++
	w := Write{Key: d.key, Expect: d.version, Version: c.version(), Value: g.Encode()}
	c.send(&group{writes: []Write{w}, debt: d})
}

// result takes the result of a write.
func (b *debts) result(c *Core, g *group, r Result) {
	d := g.debt
	if d.sent != g {
		return
	}
	wait := echoLimit
	if g.acked, g.echoBy = r == Written, c.now+echoLimit; !g.acked {
		d.sent = nil
		d.tries = min(d.tries+1, 6)
		wait = 100 * millisecond << d.tries
	}
	b.later(c, d, c.now+wait)
}

// idle forgets the writes under way.
func (b *debts) idle() {
	for _, d := range b.of {
		d.sent = nil
	}
}
