package member

import (
	"cmp"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

const (
	renewal   = second           // between two renewals
	hurried   = 50 * millisecond // between two renewals if another member waits
	awayAfter = 5 * renewal / 2  // without an own renewal in the feed, the table is out of touch
	lostFor   = 3 * renewal      // and then the feed is read from the start
	maxLost   = 30 * renewal     // between two such starts
	retain    = 64               // own renewals that are remembered
)

// A self is this member's own record. It counts as a member when it has seen its record in the
// feed: an acknowledged write may be lost.
type self struct {
	id      string
	member  bool
	version uint64 // in the table, as the feed has shown; 0: none
	expect  uint64 // by the next write
	counter uint64
	sent    []renewed
	flying  bool  // a write has not returned
	at      int64 // when the latest renewal was sent
	from    int64 // when the latest renewal was sent that came back
	echo    int64 // when it came back
	begun   int64 // when the first renewal was sent that has not come back; 0: none
	grace   int64 // how long it waits for that

	questions []uint64 // revisions of the questions of others above the mark in the latest renewal
	stale     bool     // expect is not known: the feed will tell
	away      bool     // it was out of touch: the other members' times start again with the echo
	resync    bool
	goodbye   int64 // when it last tried to delete the record
	left      bool  // and did
}

// A renewed is a renewal that may come back.
type renewed struct {
	version uint64
	at      int64
}

// rename makes it another member. The hosts that the former one kept have lost their keeper.
func (c *Core) rename() {
	former := c.self.id
	c.self = self{id: fmt.Sprintf("%016x", c.Random()), stale: true, grace: lostFor, echo: c.now}
	c.counts.Names++
	c.dropGroups()
	if former != "" && c.keepers.slots[0].hosts > 0 {
		c.orphan(former)
	}
	c.debts.orphaned(c)
	c.enqueueAll()
}

func (s *self) synced(now int64) { s.echo, s.begun = now, 0 }

// stalled gives a renewal that is under way its whole time again.
func (s *self) stalled(now int64) {
	if s.begun != 0 {
		s.begun = now
	}
}

// seeSelf takes the news of the own record.
func (c *Core) seeSelf(ch *feed.Change) {
	s := &c.self
	if ch.Deleted {
		if s.version = 0; s.member || c.synced {
			c.buried()
			c.rename()
		}
		return
	}
	s.version = ch.Version
	if s.stale && !s.flying {
		s.expect = ch.Version
	}
	for _, r := range s.sent {
		if r.version == ch.Version {
			s.from, s.echo, s.begun, s.grace = r.at, c.now, 0, lostFor
			c.joined()
			return
		}
	}
	// Another process writes this record: a clone of this one, with its memory. Or the table has
	// gone back far. Each of them becomes another member.
	c.counts.Clones++
	c.rename()
}

// buried notes that other members have removed this one.
func (c *Core) buried() {
	if !c.leaving {
		c.counts.Buried++
		c.Log.Warn("this member was silent in the table, and the others have removed it: it joins again", "member", c.self.id)
	}
}

// joined notes that the own record came back.
func (c *Core) joined() {
	if c.self.away {
		c.self.away = false
		c.excuse()
	}
	if !c.self.member {
		c.self.member = true
		c.enqueueAll()
		c.debts.orphaned(c)
	}
}

// lease is how long no other member buries this one, with a tenth to spare: clocks differ in speed.
func (c *Core) lease() int64 { return c.self.from + c.Lapse - c.Lapse/10 }

// watch notices that own renewals do not come back.
func (s *self) watch(c *Core) {
	if s.begun == 0 || s.flying && c.now-s.begun < awayAfter {
		return
	}
	if c.now-s.echo > awayAfter {
		s.away = true
		c.quiet = max(c.quiet, c.now+c.Lapse)
	}
	limit := s.grace
	if c.now-c.framed < renewal { // the feed moves: it may be behind, and a snapshot takes longer
		limit *= 3
	}
	if c.now-max(s.begun, s.echo) > limit {
		s.grace = min(max(2*s.grace, lostFor+1), maxLost)
		s.resync, s.begun = true, 0
		c.synced = false
	}
}

// Hurries reports whether another member waits for the next renewal, or a question for its moment.
func (c *Core) Hurries() bool {
	return c.acts() && (len(c.self.questions) > 0 && c.self.questions[0] <= c.mark().Revision || c.askAt > c.now)
}

// renew writes the own record: each second, and at once when another member waits for the mark.
func (c *Core) renew() {
	s := &c.self
	mark := c.mark()
	wait := renewal
	if len(s.questions) > 0 && s.questions[0] <= mark.Revision {
		wait = hurried
	}
	if s.flying || s.at != 0 && c.now-s.at < wait {
		return
	}
	for len(s.questions) > 0 && s.questions[0] <= mark.Revision {
		s.questions = s.questions[1:]
	}
	s.counter++
	m := record.Member{Counter: s.counter, Read: mark.Revision, Version: mark.Version, Lapse: uint64(c.Lapse), Name: c.Name}
	w := Write{Key: record.MemberKey(s.id), Expect: s.expect, Version: c.version(), Value: m.Encode()}
	if len(s.sent) >= retain {
		s.sent = s.sent[1:]
	}
	s.sent = append(s.sent, renewed{w.Version, c.now})
	if s.at, s.flying = c.now, true; s.begun == 0 {
		s.begun = c.now
	}
	c.counts.Renewals++
	c.outbox.urgent = append(c.outbox.urgent, &Batch{Writes: []Write{w}, renewal: s.id})
}

// renewed takes the result of a renewal. After anything but success, the feed says what is there.
func (c *Core) renewed(b *Batch, r Result) {
	s := &c.self
	if b.renewal != s.id {
		return
	}
	s.flying, s.stale, s.expect = false, r != Written, b.Writes[0].Version
	if s.stale {
		s.expect = s.version
	}
	if r == Conflict && s.grace == lostFor { // no other member writes this record: the feed must know why
		s.grace = lostFor - 1500*millisecond
	}
	if s.left = s.left || r == Written && b.Writes[0].Delete; c.leaving {
		c.sayGoodbye()
	}
}

// mark is how far this member has read, and answered all questions about hosts that it hears, and
// about cleanups that it knows to be done.
func (c *Core) mark() feed.Mark {
	for len(c.holds) > 0 && !c.holds[0].matter.holds(c.holds[0].revision) {
		c.holds = c.holds[1:]
	}
	open, ok := c.debts.unanswered()
	if len(c.holds) > 0 && (!ok || c.holds[0].revision < open) {
		open, ok = c.holds[0].revision, true
	}
	if !ok {
		return c.reader.Latest()
	}
	m, _ := c.reader.Before(open)
	return m
}

// version returns a new version.
func (c *Core) version() uint64 {
	for {
		if v := c.Random(); v != 0 {
			return v
		}
	}
}

// Goodbye ends the membership: it deletes the own record. The caller does the batches of Next until
// Gone returns true.
func (c *Core) Goodbye() {
	c.leaving = true
	c.dropGroups()
	c.sayGoodbye()
}

// Gone reports whether the own record is deleted, or never was.
func (c *Core) Gone() bool {
	return c.leaving && !c.self.flying && (c.self.left || c.self.expect == 0 && c.self.version == 0)
}

func (c *Core) sayGoodbye() {
	s := &c.self
	expect := cmp.Or(s.expect, s.version)
	if expect == 0 || s.flying || s.left || s.goodbye != 0 && c.now-s.goodbye < 100*millisecond {
		return
	}
	s.flying, s.goodbye = true, c.now
	w := Write{Key: record.MemberKey(s.id), Expect: expect, Version: c.version(), Delete: true}
	c.outbox.urgent = append(c.outbox.urgent, &Batch{Writes: []Write{w}, renewal: s.id})
}

// Rejoin makes the core ready for another life, after Goodbye.
func (c *Core) Rejoin() {
	c.leaving, c.synced = false, false
	c.outbox = outbox{}
	for _, m := range c.matters {
		m.sent = nil
	}
	c.debts.idle()
	c.rename()
}
