package model

import (
	"fmt"
	"time"
)

// An oracle knows what really happened, and compares it with the promises.
type oracle struct {
	*world
	*settings
	trace    bool
	nodes    []*node
	truth    func() *table
	two      func() bool           // whether there are two primaries
	members  int                   // the latest id
	numbers  int                   // the latest registration
	contacts [][]contact           // of each host
	removed  map[int]time.Duration // when the record of a member was deleted
	informed map[int]bool          // members that have read their own record
	claimed  map[int]claim         // the latest one of a registration
	troubled time.Duration         // until when the engine was last down, or went back
	wentBack time.Duration         // until when it last went back
	lostAt   time.Duration         // when it last went back
	splitAt  time.Duration         // when there were last two primaries
	gone     goneRecord            // the latest one
	account
}

// A contact was acknowledged.
type contact struct {
	at          time.Duration
	member      *member
	id          int // of the member
	incarnation int
	frozenFor   time.Duration
}

// A claim is where one was written, and how often that table had gone back before.
type claim struct {
	table *table
	lost  int
}

// alive reports whether the process that acknowledged the contact still runs.
func (c *contact) alive() bool { return c.member.node.member == c.member }

func newOracle(w *world, s *settings) *oracle {
	return &oracle{
		world: w, settings: s, contacts: make([][]contact, s.clients),
		removed: map[int]time.Duration{}, claimed: map[int]claim{}, informed: map[int]bool{},
		wentBack: never, account: newAccount(),
	}
}

func (o *oracle) say(format string, args ...any) {
	if o.trace {
		fmt.Printf("%12v "+format+"\n", append([]any{o.now.Round(time.Millisecond)}, args...)...)
	}
}

func (o *oracle) breach(format string, args ...any) {
	text := fmt.Sprintf("%v: ", o.now.Round(time.Millisecond)) + fmt.Sprintf(format, args...)
	o.wrong = append(o.wrong, text)
	o.say("BREACH %s", text)
}

// number returns the number of a new registration.
func (o *oracle) number() int {
	o.numbers++
	return o.numbers
}

func (o *oracle) acknowledged(m *member, h, incarnation int) {
	o.heartbeats++
	o.contacts[h] = append(o.contacts[h], contact{o.now, m, m.id, incarnation, m.frozenFor})
	if _, there := m.reach(forReads).records[key{'m', m.id}]; !there && !o.informed[m.id] {
		o.breach("%d acknowledges host %d, but is no member in the table that it reads", m.id, h)
	}
	if o.trace {
		o.say("heartbeat of host %d (%d) at %d, registration %d", h, incarnation, m.id, m.local[h].registration)
	}
}

func (o *oracle) leaves(h, incarnation int) {
	o.leavings++
	o.contacts[h] = nil
	o.say("host %d leaves", h)
}

// evicts checks an eviction that a registry decides now.
func (o *oracle) evicts(m *member, h int, v hostRecord) {
	o.evictions++
	o.say("%d evicts %d of host %d", m.id, v.registration, h)
	last, away := never, false
	for i := range o.contacts[h] {
		c := &o.contacts[h][i]
		if c.incarnation != v.incarnation {
			continue
		}
		if c.alive() {
			last = max(last, c.at)
		}
		away = o.checkContact(m, h, v, c) || away
	}
	if last != never {
		o.overdue = append(o.overdue, o.now-last-o.timeout)
	}
	if away {
		o.away++
	}
	o.checkTaken(m, h, v)
}

// checkTaken checks that no other member has taken a host that is evicted now. A member on the side
// of an old primary cannot know what happens at the new one.
func (o *oracle) checkTaken(m *member, h int, v hostRecord) {
	t := o.truth()
	r := t.records[key{'h', h}]
	now, _ := r.value.(hostRecord)
	switch claim := o.claimed[v.registration]; {
	case now.registration != v.registration || now.keeper == m.id || r.at < v.askedAt:
	case claim.table == t && claim.lost != t.lost: // the table has lost the claim
	case claim.table != t || m.reach(forWrites) != t:
		o.stray++
	default:
		o.breach("%d evicts host %d that %d has taken", m.id, h, now.keeper)
	}
}

// checkContact compares an eviction with one contact. It returns true if a process has heard the
// host that was no member then.
func (o *oracle) checkContact(m *member, h int, v hostRecord, c *contact) (away bool) {
	silence := o.now - c.at
	switch {
	case c.member == m && silence-(m.frozenFor-c.frozenFor) <= o.timeout:
		o.breach("%d evicts host %d that it heard at %v itself", m.id, h, c.at)
	case c.at > v.askedAt || silence > o.timeout:
	case c.alive() && o.counts(m, v, c):
		o.breach("%d evicts host %d that %d heard at %v, before the question at %v", m.id, h, c.id, c.at, v.askedAt)
	case c.alive():
		return true
	case !m.reach(forWrites).knew(c.id):
		return true
	case (o.removed[c.id] == 0 || c.at <= o.removed[c.id]) && m.counted(h) <= 2*o.timeout+o.lapse:
		o.breach("%d evicts host %d that %d heard at %v before it died", m.id, h, c.id, c.at)
	}
	return false
}

// counts reports whether the promise holds for the member that acknowledged a contact: it has a
// record, or nothing has happened to its process for long. There are two exceptions. A record that
// was removed before the question, and is back because the table lost that since, does not count.
// While there are two primaries, a member counts only in a table that has had its record, and only
// if nothing had happened to its process for long when the second one came.
func (o *oracle) counts(m *member, v hostRecord, c *contact) bool {
	n, removed := c.member.node, o.removed[c.id]
	_, there := m.reach(forWrites).records[key{'m', c.id}]
	back := removed != 0 && removed <= v.askedAt && v.askedAt <= o.lostAt
	well := n.disturbed+o.lapse <= c.at
	if o.two() {
		well = m.reach(forWrites).knew(c.id) && n.disturbed+o.lapse <= min(c.at, o.splitAt)
	}
	return there && !back || well
}

// checkBurial checks that a member was removed for a reason: something has happened to its process,
// or the table went back. An outage of the engine is no reason.
func (o *oracle) checkBurial(id int) {
	for _, n := range o.nodes {
		m := n.member
		if m != nil && m.id == id && n.disturbed+2*o.lapse <= o.now && o.wentBack+2*o.lapse <= o.now {
			o.breach("%d is removed for no reason", id)
		}
	}
}

// checkDelete checks that no member deletes the record of a host that another one keeps and has not
// asked about. The gone record is the write before it.
func (o *oracle) checkDelete(t *table, was any) {
	h, ok := was.(hostRecord)
	_, live := t.records[key{'m', h.keeper}]
	if g := o.gone; ok && live && g.registration == h.registration && g.kind == evicted && g.cleaner != h.keeper && !h.asked {
		o.breach("%d deletes registration %d, which %d keeps", g.cleaner, g.registration, h.keeper)
	}
}

// revives checks a registration that gets another number because it may have departed.
func (o *oracle) revives(m *member, h int) {
	r := m.local[h].registration
	o.merged[r] = true
	o.say("  %d renumbers %d of host %d", m.id, r, h)
	if m.local[h].tabled && o.wentBack == never {
		o.breach("%d revives %d of host %d for no reason", m.id, r, h)
	}
}

// departs checks the end of a registration in one registry.
func (o *oracle) departs(m *member, registration, h int, kind departure, decided bool) {
	o.say("  %d: registration %d of host %d is %s (decided here: %t)", m.id, registration, h, kind, decided)
	if m.ends[registration] != nil {
		o.twice++
		o.breach("registration %d of host %d departs twice at %d", registration, h, m.id)
	}
	if kind == unseen && !o.ended[registration] {
		o.breach("registration %d of host %d departs at %d for no reason", registration, h, m.id)
	}
}

// wrote sees each change of a table.
func (o *oracle) wrote(t *table, c change, was any, again bool) {
	if o.trace {
		o.say("  %d: %c%d = %+v", c.revision, c.key.kind, c.key.id, c.value)
	}
	switch v := c.value.(type) {
	case hostRecord:
		o.hostWrites++
		o.born[v.registration] = c.key.id
		if v.claimed {
			o.claimed[v.registration] = claim{t, t.lost}
		}
	case goneRecord:
		o.hostWrites++
		o.gone = v
		if was == nil && !v.done {
			o.ended[v.registration] = true
		}
		if again {
			o.twice++
			o.breach("registration %d of host %d departs twice in the table", v.registration, v.host)
		}
	case memberRecord:
		o.renewals++
	case nil:
		if c.key.kind == 'm' {
			o.removed[c.key.id] = o.now
			o.checkBurial(c.key.id)
		} else {
			o.hostWrites++
			o.checkDelete(t, was)
		}
	}
}
