package member

import (
	"hash/fnv"
	"maps"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A peer is a record of a member. A member is alive as long as its record is in the table.
type peer struct {
	version uint64
	seen    int64 // when its record was last seen to change
	read    uint64
	lapse   int64 // as it says: it relies on not being buried before
	name    string
	buried  int64 // when this member last tried to; 0: never
}

// seeMember takes the news of a member.
func (c *Core) seeMember(id string, ch *feed.Change) {
	if ch.Deleted {
		c.died(id)
	} else {
		c.lives(id, ch)
	}
	if id == c.self.id {
		c.seeSelf(ch)
	}
	c.advance()
}

func (c *Core) lives(id string, ch *feed.Change) {
	p := c.peers[id]
	if p == nil {
		p = &peer{}
		c.peers[id] = p
	}
	p.version, p.seen, p.buried, p.read = ch.Version, c.now, 0, 0
	m, err := record.DecodeMember(ch.Value)
	if err != nil { // it lives, and reads what this member cannot know
		c.malformed(ch.Key, err)
	}
	p.name, p.lapse = m.Name, int64(m.Lapse)
	if err != nil {
		p.lapse = c.Lapse
	}
	if c.reader.Knows(feed.Mark{Revision: m.Read, Version: m.Version}) { // of this history
		p.read = m.Read
	}
	if id != c.self.id && c.synced {
		n := c.keepers.number(c, id)
		c.keepers.slots[n].live = true
		c.registry.Vouch(n, c.Lapse)
	}
}

// vouch holds on what others keep while this member does not know more: each second.
func (c *Core) vouch() {
	if c.now-c.vouched < second {
		return
	}
	c.vouched = c.now
	for n := 1; n <= Crowd; n++ {
		if s := &c.keepers.slots[n]; s.live && (s.id != "" || n == Crowd) {
			c.registry.Vouch(uint8(n), c.Lapse)
		}
	}
}

// died takes the end of a member. Its hosts have lost their keeper, and its cleanups their cleaner.
func (c *Core) died(id string) {
	p := c.peers[id]
	if p == nil {
		return
	}
	if id != c.self.id {
		c.tellOfEnd(id, p)
	}
	if p.buried != 0 {
		c.counts.Burials++
	}
	delete(c.peers, id)
	c.removed = c.now
	if n, ok := c.keepers.of[id]; ok && n != 0 {
		c.keepers.bury(n)
		c.registry.Vouch(n, 0) // it may have heard its hosts until now
		c.search.died()
	}
	c.debts.orphaned(c)
	for _, h := range c.holds { // an answer may have become a takeover
		c.enqueue(h.matter)
	}
}

func (c *Core) tellOfEnd(id string, p *peer) {
	hosts := 0
	if n, ok := c.keepers.of[id]; ok {
		hosts = c.keepers.slots[n].hosts
	}
	if args := []any{"member", id, "of", p.name, "hosts", hosts}; p.buried != 0 {
		c.Log.Warn("a member was silent for its Lapse, and was removed", args...)
	} else {
		c.Log.Info("a member has ended, or another one has removed it", args...)
	}
}

// bury deletes the records of members that are silent. Each own renewal that has come back was sent
// after all that this member has read. So a member is silent if its record has not changed between
// two points of the feed that are more than its Lapse apart, however late the feed is.
func (c *Core) bury() {
	left := maxBurials
	for _, id := range slices.Sorted(maps.Keys(c.peers)) {
		p := c.peers[id]
		if left == 0 || id == c.self.id || c.self.from-p.seen <= p.lapse || p.buried != 0 && c.now-p.buried < second {
			continue
		}
		left--
		p.buried = c.now
		w := Write{Key: record.MemberKey(id), Expect: p.version, Version: c.version(), Delete: true}
		c.outbox.urgent = append(c.outbox.urgent, &Batch{Writes: []Write{w}})
	}
}

// floor is the revision up to which all other members have read.
func (c *Core) floor() uint64 {
	f := ^uint64(0)
	for id, p := range c.peers {
		if id != c.self.id {
			f = min(f, p.read)
		}
	}
	return f
}

// slowest is the other member that has read the least; the first by id of several.
func (c *Core) slowest() (slowest string) {
	least := ^uint64(0)
	for id, p := range c.peers {
		if id != c.self.id && (p.read < least || p.read == least && id < slowest) {
			slowest, least = id, p.read
		}
	}
	return slowest
}

// advance looks at the own questions that all members have read.
func (c *Core) advance() {
	if !c.synced || len(c.asked) == 0 {
		return
	}
	f := c.floor()
	for len(c.asked) > 0 && c.asked[0].revision <= f {
		c.asked[0].matter.listed = false
		c.enqueue(c.asked[0].matter)
		c.asked = c.asked[1:]
	}
}

// rank is the number of live members that come before this one as heirs of a key. The heir of rank
// n waits n Lapses longer, so one that cannot read a record does not hold it up.
func (c *Core) rank(key string) (rank int64) {
	own := score(c.self.id, key)
	for id := range c.peers {
		if s := score(id, key); s > own || s == own && id > c.self.id {
			rank++
		}
	}
	return rank
}

// score is that of rendezvous hashing (Thaler and Ravishankar, 1998).
func score(member, key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(member))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(key))
	s := h.Sum64() // FNV hardly mixes its last bytes
	s = (s ^ s>>33) * 0xff51afd7ed558ccd
	s = (s ^ s>>33) * 0xc4ceb9fe1a85ec53
	return s ^ s>>33
}

// keepers numbers the keepers of hosts, so that an entry needs one byte. Number 0 is this member.
// The last number is for all keepers that have found none, in a table with more than 254 keepers:
// they count as alive.
type keepers struct {
	of    map[string]uint8
	slots [256]slot
}

type slot struct {
	id    string
	live  bool
	own   bool // a former id of this member
	hosts int
}

const (
	// Crowd is the number of all keepers that have none of their own.
	Crowd      = 255
	maxBurials = 8 // at a time: the table may be flooded with members
)

func newKeepers() keepers {
	k := keepers{of: map[string]uint8{}}
	k.slots[0].live, k.slots[Crowd].live = true, true
	return k
}

// number returns the number of a keeper.
func (k *keepers) number(c *Core, id string) uint8 {
	if id == c.self.id {
		return 0
	}
	if n, ok := k.of[id]; ok {
		return n
	}
	for n := 1; n < Crowd; n++ {
		if s := &k.slots[n]; s.id == "" || !s.live && s.hosts == 0 {
			delete(k.of, s.id)
			*s = slot{id: id, live: c.peers[id] != nil}
			k.of[id] = uint8(n)
			if c.registry.Vouch(uint8(n), 0); !s.live {
				c.search.died()
			}
			return uint8(n)
		}
	}
	return Crowd
}

func (k *keepers) kept(n uint8, more int) { k.slots[n].hosts += more }

func (k *keepers) bury(n uint8) {
	if n != 0 && n != Crowd {
		k.slots[n].live = false
	}
}

func (k *keepers) live(n uint8) bool { return k.slots[n].live }

// name returns the id of a keeper of hosts.
func (k *keepers) name(c *Core, n uint8) string {
	if n == 0 || n == Crowd {
		return c.self.id
	}
	return k.slots[n].id
}

// orphans is the number of hosts whose keeper is dead.
func (k *keepers) orphans() (n int) {
	for i := range k.slots {
		if !k.slots[i].live {
			n += k.slots[i].hosts
		}
	}
	return n
}

// revive says at the end of a snapshot which keepers live. The hosts of the others have their whole
// timeout, from now.
func (k *keepers) revive(c *Core) {
	for i := 1; i < Crowd; i++ {
		if s := &k.slots[i]; s.id != "" {
			was := s.live
			if s.live = c.peers[s.id] != nil; was && !s.live {
				c.removed = c.now
			}
			c.registry.Vouch(uint8(i), 0)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.peers)) {
		c.peers[id].seen = c.now
		if id != c.self.id {
			n := k.number(c, id)
			k.slots[n].live = true
			c.registry.Vouch(n, c.Lapse)
		}
	}
	if k.orphans() > 0 {
		c.search.died()
	}
}
