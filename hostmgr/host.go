package hostmgr

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

const (
	// DefaultInterval is the interval of a host that announces none.
	DefaultInterval = 30 * time.Second
	// Never is the interval of a host that is never evicted by time: a static host, or a seed that
	// a health check looks after. The policies are not asked about it, it stays StateAlive, and it
	// has no deadlines. Its registration ends when it leaves or is replaced, or by Forget or Evict.
	//
	// The Ack of such a host has Interval Never: it sends no heartbeats. Pacing advises it no other
	// interval, but counts it as a host. A later announce may name a finite interval, and then
	// Never again. While a host has Never, Stats.Conflicts counts no changes of it, and another
	// speaker gets ErrConflict.
	//
	// Never is about 36 years. A scheduler should not accept it from hosts that it does not trust.
	Never time.Duration = detector.NeverInterval

	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
	maxName     = 1 << 10 // bytes of an id or a zone
)

// An Announcement is a host's description of itself.
type Announcement[M any] struct {
	// ID identifies the host: 1 to 1024 bytes.
	ID string
	// Metadata is a value of the embedder's own type. The registry stores it, and looks inside only
	// to compare plain values: see Stats.Conflicts. A refresh replaces it, and so does Update.
	//
	// The registry copies the value as an assignment does. If M has pointers, maps or slices, each
	// copy refers to the same data: those of the embedder, of the registry, and of each Host that
	// the registry returns. So these data must not be modified once they are announced. To change
	// them, call Update with a function that copies them first.
	Metadata M
	// Interval is the time until the host's next contact, from 10 ms to 24 h, or Never. Zero means
	// DefaultInterval, and in a refresh the interval that the host has. With Pacing, a host
	// announces the interval that the latest Ack advised.
	Interval time.Duration
	// Incarnation orders the processes that used one id: newer is greater. A leave, heartbeat or
	// announce of an older incarnation changes nothing of a newer one. Zero means the current
	// registration. If there is none, Announce assigns an incarnation greater than any that it has
	// assigned before.
	//
	// With zero, a process that restarts within its timeout looks like the process before: there is
	// no departure and no cleanup. So a process should choose its incarnation when it starts, for
	// instance by the wall clock in nanoseconds: uint64(time.Now().UnixNano()).
	//
	// An incarnation is over when it has left, or when a newer one has replaced it. Then it and all
	// older ones get ErrStale, even if the host is not registered. The registry remembers these
	// ends for 5 minutes, at most the latest 32,768. An eviction is not such an end: a host that
	// was only silent joins again. Incarnation 0 tells no process from another: an announce of 0
	// that arrives after the Leave joins.
	//
	// A process may announce a lower incarnation than the one before, because its clock went back.
	// It gets ErrStale for a bounded time:
	//   - 5 minutes after the Leave, or the replacement;
	//   - until the current registration is evicted: after its timeout, and at most
	//     EvictionLimit.MaxHold more. If only Confirm holds the host, because it has refused the
	//     eviction, has failed, or has not answered for 5 minutes, the announce itself evicts the
	//     host, and joins;
	//   - as long as ForgetFor says.
	//
	// If the policy never evicts a host, or its interval is Never, only Leave, Forget, Evict or a
	// newer incarnation ends its registration.
	Incarnation uint64
	// Zone is the failure domain by which Stats and EvictionLimit count the host: at most 1024
	// bytes. Empty means no zone, and in a refresh the zone that the host has. So a refresh cannot
	// remove the zone; a new registration can.
	//
	// A registry counts the hosts of 64 zones at a time. Hosts of further zones keep the name of
	// their zone, but are counted in zone "other". Such a host is counted in its own zone from its
	// next Announce at which there is room.
	Zone string
	// Speaker says which machine or process announces the id: a machine id, a boot id or an
	// address. Use it if two machines may have one id, such as clones of one image. It is optional,
	// at most 1024 bytes, and must not change while a process keeps its incarnation.
	//
	// A registration belongs to the first speaker that an announcement of it names, unless that
	// announcement was overtaken: see Revision. While the host is Alive or Late, an announce of its
	// incarnation, or of incarnation 0, by another speaker is refused with ErrConflict, counted in
	// Stats.Conflicts and logged. If the host is Suspect or Offline, the other speaker takes the id
	// over: its announce begins a new registration with the same incarnation, and the old one ends
	// as DepartureReplaced. An announce without a speaker counts as one by the speaker of the
	// registration.
	//
	// A newer incarnation replaces the registration, whatever the speaker, because an id may move
	// to another machine. An older one gets ErrStale; by another speaker, it counts as a conflict.
	// So if two machines choose their incarnations when they start, the machine that started last
	// has the id, and the announces of the other one are counted.
	//
	// A heartbeat names no speaker. So a machine that gets ErrConflict must not send any.
	//
	// In a shared registry, Speaker is compared only with announces at the same member.
	Speaker string
	// Revision orders the announcements of one registration, which may overtake each other: later
	// is greater. It is optional. An announce with a lower revision than the greatest so far is a
	// contact and changes nothing else. It returns no error, and is counted in Stats.Overtaken. An
	// equal revision applies again. Zero always applies, and leaves the greatest as it is. In a
	// shared registry, Revision is compared only with announces at the same member.
	Revision uint64
	// LastContact is the time of the host's last contact, if that was elsewhere and in the past:
	// with a gateway, or with another scheduler. Zero and times in the future mean now.
	//
	// The host joins, or is refreshed, as of then, and its silence counts from then. So a host that
	// joins may be late, suspect or due at once, and the next sweep treats it so. In a refresh a
	// LastContact that is older than the last known contact moves nothing back, as in Observe; the
	// rest of the announcement applies. A join whose LastContact is before the eviction of the host
	// does not show that the host was alive: it does not count in Stats.RejoinedAfterEviction.
	//
	// Times are compared by their monotonic part, if LastContact and the readings of Config.Clock
	// have one. Otherwise the wall clocks of the sender and the registry must agree. If they may
	// disagree, send the age of the contact, and subtract it from the time here. A time more than 9
	// years before New counts as 9 years before New.
	LastContact time.Time
}

// contact returns the time of the contact that the announcement stands for.
func (a *Announcement[M]) contact(c *monotime.Clock, now int64) int64 {
	return c.FromWall(a.LastContact, now)
}

// An Ack answers an Announce or a Heartbeat: it says what the host uses for its next contact.
type Ack struct {
	// Interval is the time until the next contact: the announced interval or, with Config.Pacing,
	// the advised one. Never means that no contact is due.
	Interval time.Duration
	// Incarnation is the incarnation of the current registration. With ErrStale it is the
	// incarnation that refused, and the other fields are zero.
	Incarnation uint64
	// Registration is the number of the current registration. If it differs from the number in the
	// previous Ack, the host was gone in between: see Host.Registration.
	Registration uint64
}

// A State says what the silence of a host means at one moment.
type State uint8

const (
	// StateAlive means that the silence is at most the host's interval.
	StateAlive State = iota + 1
	// StateLate means that a heartbeat is overdue, which may be network jitter. The registry does
	// nothing about it.
	StateLate
	// StateSuspect means that the host may be gone: give it no new work, but keep its metadata.
	StateSuspect
	// StateOffline means that the timeout has passed. The next sweep evicts the host, unless the
	// host is held or a contact comes first.
	StateOffline
)

// String returns the state's name in lower case.
func (s State) String() string {
	return name([]string{"", "alive", "late", "suspect", "offline"}, int(s))
}

// A Host is a snapshot of one host. Changing it changes nothing in the registry, except that
// Metadata may refer to data that the registry refers to as well.
type Host[M any] struct {
	ID          string
	Metadata    M // what it refers to must not be modified: see Announcement.Metadata
	State       State
	Interval    time.Duration // from which the timeouts are computed
	Incarnation uint64
	// Registration is the number of this join. It is never used again: not by another host, and not
	// by a later process unless the clock was set back. Restore keeps the number, so only a
	// snapshot that is restored twice, or holds a number twice, repeats it. It is usually
	// above 2^53: readers of JSON that take numbers as floating point, such as JavaScript, lose its
	// last digits. Send it to them as a string.
	Registration uint64
	Zone         string
	Joined       time.Time
	// LastContact is the time of the last contact. In a shared registry, a host that another member
	// keeps counts as heard now, as long as that member lives, and afterwards at its end. Only the
	// keeper knows when the host was heard last: see share.Member.Keeper.
	LastContact time.Time
	// Evictions is how often the host was evicted lately and joined again within 5 minutes: 0 for
	// most hosts. See Stats.Flapping. Restore ignores it.
	Evictions int
	// SuspectAt and EvictAt are the deadlines if no contact comes: after (not at) them the host is
	// suspect, or due for eviction. The zero time means never. They follow from LastContact, so in
	// a shared registry those of the keeper are the ones that count.
	SuspectAt, EvictAt time.Time
	// Hold says why a host that is due was not evicted. The zero HoldReason means that nothing
	// holds it. HoldUntil is until when, at the latest, the eviction limit holds it. It is zero if
	// the limit does not. A stall, and Confirm, may hold the host for longer.
	Hold      HoldReason
	HoldUntil time.Time
}

func name(names []string, i int) string {
	if i > 0 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

// checkName returns an error if an id or a zone is not valid.
func checkName(what, s string, least int) error {
	if len(s) < least {
		return fmt.Errorf("%w: empty %s", ErrInvalid, what)
	}
	if len(s) > maxName {
		return fmt.Errorf("%w: %s of %d bytes, at most %d are allowed", ErrInvalid, what, len(s), maxName)
	}
	return nil
}

// checkInterval returns an error if an interval is not valid. Zero is, and so is Never.
func checkInterval(d time.Duration) error {
	if d != 0 && d != Never && (d < minInterval || d > maxInterval) {
		return fmt.Errorf("%w: interval %v is neither between %v and %v nor Never", ErrInvalid, d, minInterval, maxInterval)
	}
	return nil
}
