package member

import (
	"cmp"
	"hash/maphash"
	"log/slog"
	"maps"
	"slices"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

const (
	maxMatters = 1 << 14 // that local changes and passes may open
	tickGap    = second  // a longer time between two ticks
	maxDecided = 1 << 12 // matters that one Work looks at
)

// Config configures a Core.
type Config struct {
	Registry Registry
	Name     string // for people
	Lapse    int64  // without a renewal, after which a member is buried
	// Cleans says that there is a shared cleanup. Otherwise what is owed is done at once.
	Cleans    bool
	MaxWrites int // in a batch
	MaxBytes  int // of a batch
	Random    func() uint64
	Log       *slog.Logger // must not block
}

// A Core is one member. One goroutine uses it. The order of calls is:
//
//	Begin, Apply...   for each feed, until Resync returns true
//	Changed, Departed for what the registry reports
//	Tick, Work        after these, and at least each 100 ms
//	Next, Done        for each batch
type Core struct {
	Config
	registry   Registry
	now        int64
	reader     feed.Reader
	feeds      uint64 // that have begun
	synced     bool   // the snapshot is complete, and the feed is sound
	complete   bool   // the snapshot of the latest feed was complete
	leaving    bool
	quiet      int64 // it asks no question before
	ticked     int64 // the latest Tick: what came before it may have come first after a stall
	framed     int64 // when the feed has shown something
	frameGrace int64 // how long it waits for that, before the snapshot is complete
	removed    int64 // when a member was last removed; 0: never
	vouched    int64 // when it last held on what others keep
	askAt      int64 // when it asks the last of the questions that wait for a relief

	self    self
	peers   map[string]*peer // the members in the table, this one included
	keepers keepers
	hosts   hosts
	aside   map[string]*record.Host // records that the registry does not have as they are
	ended   ended
	trials  map[departed]*trial
	roamers roamers

	superseded map[hostKey]tag   // registrations that others have replaced while this member was away
	overtaken  []overtaken       // those that the registry had, until a snapshot is complete
	dueSince   map[hostKey]int64 // when hosts were first seen to be due without a keeper

	matters map[string]*matter
	todo    []*matter // to be decided
	blocked int       // matters that wait because a member is gone, or for the end of quiet
	backlog []string  // hosts for which there was no room in matters
	agenda  agenda
	asked   []place // own questions, in the order of their revisions
	holds   []place // questions of others that wait for an answer of this member
	debts   debts
	search  search
	outbox  outbox
	peaks   peaks

	seeds  [2]maphash.Seed
	counts Counts
	told   int64 // when a malformed record was logged last
}

// A place is a matter at a revision.
type place struct {
	revision uint64
	matter   *matter
}

func sortPlaces(p []place) {
	slices.SortFunc(p, func(a, b place) int { return cmp.Compare(a.revision, b.revision) })
}

// New returns a Core that is no member yet.
func New(c Config) *Core {
	k := &Core{Config: c, registry: c.Registry, told: -minute, frameGrace: lostFor}
	k.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	k.peers, k.aside, k.dueSince = map[string]*peer{}, map[string]*record.Host{}, map[hostKey]int64{}
	k.matters = map[string]*matter{}
	k.trials = map[departed]*trial{}
	k.hosts = hosts{of: map[hostKey]entry{}}
	k.keepers = newKeepers()
	k.debts = newDebts()
	k.rename()
	return k
}

// Begin begins another feed. Until its snapshot is complete the core writes nothing.
func (c *Core) Begin(now int64) {
	c.now, c.framed = now, now
	c.reader.Begin()
	c.feeds++
	c.hosts.turn(c.complete)
	c.synced, c.complete = false, false
	c.asked, c.holds, c.self.questions, c.debts.answers = nil, nil, nil, nil
	c.peers = map[string]*peer{}
	c.debts.turn()
	c.self.version, c.self.resync, c.self.stale = 0, false, true
	c.dropGroups()
	c.superseded = map[hostKey]tag{}
	for _, m := range c.matters {
		m.revision, m.held, m.listed = 0, false, false
		if m.sent != nil && m.sent.acked {
			m.sent = nil
		}
	}
}

// Position returns the place in the history after which the feed that Begin begins is to be asked
// for: see feed.Reader.Position.
func (c *Core) Position() feed.Position { return c.reader.Position() }

// Apply takes the next frame of the feed. After an error another feed must begin.
func (c *Core) Apply(f feed.Frame, now int64) error {
	c.now, c.framed = now, now
	if err := c.reader.Apply(f, c.see); err != nil {
		return err
	}
	if c.reader.Synced() && !c.synced {
		c.sync()
	}
	return nil
}

// see takes the news of a key.
func (c *Core) see(ch feed.Change) {
	switch k := record.ParseKey(ch.Key); k.Kind {
	case record.KindMember:
		c.seeMember(k.ID, &ch)
	case record.KindHost:
		c.seeHost(k.ID, &ch)
	case record.KindGone:
		c.seeGone(k, &ch)
	default:
		c.malformed(ch.Key, record.ErrFormat)
	}
}

// sync takes the end of the snapshot. What it does not have has departed, unless the table has gone
// back: then its records are written again.
func (c *Core) sync() {
	c.synced, c.complete, c.frameGrace = true, true, lostFor
	c.counts.Syncs++
	c.quiet = max(c.quiet, c.now+c.Lapse)
	c.self.synced(c.now)
	if c.self.version == 0 && c.self.member {
		if !c.reader.WentBack() {
			c.buried()
		}
		c.rename()
	}
	slices.Sort(c.self.questions)
	sortPlaces(c.asked)
	sortPlaces(c.holds)
	c.debts.sortAnswers()
	c.keepers.revive(c)
	c.dropMissing(c.reader.WentBack())
	c.debts.dropMissing(c, c.reader.WentBack())
	c.dropTrials()
	c.concludeOvertaken(c.reader.WentBack())
	c.debts.orphaned(c)
	c.enqueueAll()
}

// acts reports whether the core may write about hosts.
func (c *Core) acts() bool { return c.synced && c.self.member && !c.leaving }

// enqueueAll looks at all open matters.
func (c *Core) enqueueAll() {
	for _, id := range slices.Sorted(maps.Keys(c.matters)) { // in order: a simulation can be repeated
		c.enqueue(c.matters[id])
	}
}

// Wants reports for how many changed hosts the core has room. While it is no member, the registry
// keeps them. Departures must be taken at all times, and before each Apply.
func (c *Core) Wants() int {
	if !c.acts() {
		return 0
	}
	return max(0, maxMatters+len(c.asked)+c.blocked-len(c.matters)) // questions may wait for long
}

// Changed takes the id of a host that has changed in the registry. With content, that is newer than
// what the table says of it.
func (c *Core) Changed(id string, content bool) {
	m := c.open(id)
	m.local, m.newer = true, m.newer || content
	c.enqueue(m)
}

// Tick takes the time. sweeps says that the registry observes its hosts.
func (c *Core) Tick(now int64, sweeps bool) {
	c.now = now
	if now-c.ticked > tickGap {
		c.excuse()
		c.self.stalled(now)
	}
	c.ticked = now
	c.shed()
	if !c.synced || c.self.away || c.keepers.slots[Crowd].hosts > 0 {
		c.vouch()
	}
	if c.leaving {
		c.sayGoodbye()
	}
	if !c.synced {
		c.awaitFrame()
		return
	}
	c.self.watch(c)
	if c.synced && sweeps && !c.leaving {
		c.renew()
	}
	if c.acts() {
		c.bury()
	}
	c.agenda.due(c)
}

// awaitFrame gives up a feed that shows nothing before its snapshot is complete.
func (c *Core) awaitFrame() {
	if !c.self.resync && c.now-c.framed > c.frameGrace {
		c.frameGrace = min(2*c.frameGrace, maxLost)
		c.self.resync = true
	}
}

// excuse starts all times again in which a member may be silent. The core itself did not read.
func (c *Core) excuse() {
	for _, p := range c.peers {
		p.seen = max(p.seen, c.now)
	}
	c.quiet = max(c.quiet, c.now+c.Lapse)
}

// Work decides about hosts that have changed. more means that there is work left.
func (c *Core) Work() (more bool) {
	if !c.acts() {
		return false
	}
	c.search.run(c)
	for len(c.backlog) > 0 && c.Wants() > 0 {
		c.enqueue(c.open(c.backlog[0]))
		c.backlog = c.backlog[1:]
	}
	n := min(len(c.todo), maxDecided)
	for _, m := range c.todo[:n] {
		c.decide(m)
	}
	c.todo = c.todo[n:]
	return len(c.todo) > 0
}

// Resync reports whether the feed must be read from the start: this member's own renewals do not
// come back in it.
func (c *Core) Resync() bool { return c.self.resync }

// Ready reports until when the other members protect the hosts that this registry hears: before
// then, no member buries this one. That is also so while the member reads a snapshot. Its read mark
// stays where it is, so no other member evicts past it.
func (c *Core) Ready() (until int64, ok bool) {
	return c.lease(), c.self.member && !c.leaving && c.now < c.lease()
}

func (c *Core) malformed(key string, err error) {
	c.counts.Malformed++
	if c.now-c.told >= minute {
		c.told = c.now
		c.Log.Warn("a record of the table was skipped", "key", key[:min(len(key), 99)], "err", err)
	}
}
