package share

import (
	"cmp"
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
)

// Stats is a snapshot of a Member. The counts are since New.
type Stats struct {
	// ID is that of this member. It changes after each loss of membership.
	ID      string
	Ready   bool   // see Member.Ready
	Members []Peer // in the table, by name and id; this one included
	// Kept is the number of hosts that this member judges. Mirrored is the number of all others in
	// the table. Orphaned are those without a living keeper; they count in Mirrored, too.
	Kept, Mirrored, Orphaned int
	// Skipped is the number of hosts that this registry does not have as the table describes them:
	// without metadata, or with some that the Codec cannot decode, or of a lower incarnation.
	Skipped int
	// Stale is how old the view may be: the time since this member was last in touch with the
	// table. It is about a second at most while all is well. It is 0 before Run, and keeps its last
	// value after Run.
	Stale time.Duration
	// Lag is the time that the latest renewal of this member took to come back in the feed; 0 if there
	// was none yet.
	Lag time.Duration
	// Questions is the number of hosts that this member has asked the others about, and that some of
	// them have not read yet. A host is evicted only after that.
	Questions int
	// Slowest is the member that holds up the questions: the one with the lowest read mark. It is the
	// name of that member, or its id if it has no name. It is empty if there are no Questions.
	Slowest string
	// Quiet is how much longer this member asks no question, so that it evicts no silent host. That is
	// so after it has read a snapshot, was out of touch with the table, or was stalled. Quiet is a
	// Lapse at most, and 0 if the member may ask.
	Quiet time.Duration
	// SinceEnd is the time since a member was last seen to end or to be buried; 0 if none was.
	// That member may have been the last to hear some host. So no member asks about a host until
	// SinceEnd has reached the timeout of the host, or the host has been silent for two timeouts and
	// a Lapse.
	SinceEnd time.Duration
	// Pending is the number of hosts that have changed here, and are not in the table as they are.
	Pending int

	Malformed     uint64 // records that were skipped; of another protocol version or too long
	CodecFailures uint64 // failures of the Codec, and metadata that were too large
	Snapshots     uint64 // of the table that were read
	Losses        uint64 // snapshots after which the engine had lost writes, or may have lost some
	Buried        uint64 // how often other members have buried this one
	Burials       uint64 // of other members, by this one; two members may count the same burial
	Writes        uint64 // of hosts and departures, without renewals; those that were refused count, too
	Conflicts     uint64 // writes refused because another member had changed the record first
	Unclear       uint64 // writes whose outcome is unknown
	FeedErrors    uint64 // how often the feed ended with an error, and began again
	LeftBehind    int    // calls of the Store or of the shared cleanup that ignore their context
	Cleanup       CleanupStats
}

// CleanupStats counts shared cleanups.
type CleanupStats struct {
	Owed int // by all members
	// OldestOwed is the time for which this member has known the oldest of those that are owed; 0 if
	// there is none.
	OldestOwed   time.Duration
	Running      int    // here
	Done, Failed uint64 // attempts that have ended here
	TakenOver    uint64 // by this member, from members that have ended
}

// A Peer is a member of the table.
type Peer struct {
	ID, Name string
	Age      time.Duration // since this member last saw it renew its record
	Hosts    int           // that it keeps
	Self     bool

	number uint8 // as a keeper
}

// show publishes the state of the core. It returns the id of the member.
func (l *loop[M]) show() string {
	c := l.m.core.Stats()
	s := Stats{
		ID: c.ID, Kept: c.Kept, Mirrored: c.Mirrored, Orphaned: c.Orphans, Skipped: c.Unmirrored,
		Stale: time.Duration(l.now - c.Echo), Lag: l.lag(&c), Questions: c.Asking, Pending: c.Pending,
		Quiet: max(0, time.Duration(c.Quiet-l.now)), SinceEnd: l.since(c.Removed),
		Malformed: c.Malformed, CodecFailures: l.m.bridge.failed, Snapshots: c.Syncs, Losses: c.Losses, Buried: c.Buried, Burials: c.Burials,
		Writes: c.Writes, Conflicts: c.Conflicts, Unclear: c.Unclear, FeedErrors: l.feedErrors, LeftBehind: l.leftBehind + l.leftCleans,
		Cleanup: CleanupStats{
			Owed: c.Debts, OldestOwed: l.since(c.OldestDebt), Running: c.Cleaning, Done: c.Cleanups, Failed: c.FailedCleanups, TakenOver: c.TakenOver,
		},
	}
	if c.Synced {
		l.members = c.Peers
	}
	for _, p := range l.members {
		if p.ID == c.Slowest {
			s.Slowest = cmp.Or(p.Name, p.ID)
		}
		s.Members = append(s.Members, Peer{p.ID, p.Name, time.Duration(l.now - p.Seen), p.Kept, p.Self, p.Keeper})
	}
	slices.SortFunc(s.Members, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.shown = s
	return s.ID
}

// since returns the time since then; 0 for 0.
func (l *loop[M]) since(at int64) time.Duration {
	if at == 0 {
		return 0
	}
	return time.Duration(l.now - at)
}

func (l *loop[M]) lag(c *member.Stats) time.Duration {
	if c.Sent == 0 {
		return 0
	}
	return time.Duration(c.Echo - c.Sent)
}
