package hostmgr

import (
	"fmt"
	"time"
)

const (
	// DefaultInterval is the announce interval of a host that names none.
	// It is the one that Dragonfly's peers use.
	DefaultInterval = 30 * time.Second

	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
	maxName     = 1 << 10 // bytes of an id or a zone
)

// An Announcement is what a host says of itself.
type Announcement[M any] struct {
	// ID names the host: 1 to 1024 bytes.
	ID string
	// Metadata is the embedder's own; the registry keeps it and never looks
	// inside. A refresh replaces it.
	Metadata M
	// Interval is the time until the host's next sign of life, from 10 ms to
	// 24 h. Zero means DefaultInterval. A host that follows a Cadence says what it was told.
	Interval time.Duration
	// Incarnation orders the lives of one id: newer is greater. Zero means the
	// life that is there; where none is, the registry assigns a number greater
	// than any it assigned before.
	Incarnation uint64
	// Zone is where the host stands, for counting: at most 1024 bytes. A
	// registry tells 64 zones apart; hosts of any further one are in "other".
	Zone string
}

// A Lease is the answer to a sign of life: what to use for the next one.
type Lease struct {
	// Interval is the time until the next one: what the host named, or with a Cadence what
	// the registry advises.
	Interval    time.Duration
	Incarnation uint64
	Life        uint64 // another number than last time: the host was gone in between; see Host.Life
}

// A State is what a host's silence says of it at one moment.
type State uint8

const (
	// Alive means that the silence is at most the host's interval.
	Alive State = iota + 1
	// Late means that a sign of life is overdue, which may well be jitter. Nothing is
	// done about it.
	Late
	// Suspect means: give it no new work, keep its metadata.
	Suspect
	// Offline means that its patience is used up. The next sweep evicts it, unless it is
	// held or heard of before.
	Offline
)

// String returns the state's name in lower case.
func (s State) String() string {
	return name([]string{"", "alive", "late", "suspect", "offline"}, int(s))
}

// A Host is a snapshot of one host at one moment; changing it changes nothing
// in the registry.
type Host[M any] struct {
	ID          string
	Metadata    M
	State       State
	Interval    time.Duration // the one the host is judged by
	Incarnation uint64
	// Life is the number of this join. No other join has it: not of another host, nor in a later
	// process, unless its clock was set back. Restore keeps it: so a snapshot that is restored
	// twice, or has a number twice, brings it back.
	Life     uint64
	Zone     string
	Joined   time.Time
	LastSeen time.Time
	// SuspectAt and EvictAt are the deadlines if nothing more is heard: the
	// host is suspect, or due for eviction, after (not at) them. The zero time
	// means never.
	SuspectAt, EvictAt time.Time
	// Held says why a host that is due is still here; empty if nothing holds it.
	Held string
}

// A Kind is what an Event or a Departure is about.
type Kind uint8

// The kinds of events; four of them are those of departures.
const (
	Joined    Kind = iota + 1 // a life begins
	Updated                   // an Announce refreshed a host
	Suspected                 // a sweep found a host suspect; or due, where a Guard or Confirm may hold it
	Recovered                 // a suspect was heard of again
	Left                      // departure: the host said so (normal)
	Evicted                   // departure: silent beyond its patience (abnormal)
	Replaced                  // departure: a newer incarnation announced itself
	Forgotten                 // departure: removed by the embedder, without cleanup
	Missed                    // the watcher fell behind; a fresh snapshot follows
	Synced                    // the end of a snapshot
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	return name([]string{"", "joined", "updated", "suspected", "recovered", "left",
		"evicted", "replaced", "forgotten", "missed", "synced"}, int(k))
}

func (k Kind) departure() bool { return k >= Left && k <= Forgotten }

func name(names []string, i int) string {
	if i > 0 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

// A Departure is the end of one life, with the evidence for it.
type Departure[M any] struct {
	Host Host[M] // as it was at the end, Host.LastSeen included
	Kind Kind    // Left, Evicted, Replaced or Forgotten
	At   time.Time
	Evidence
	// Attempt counts the tries of this cleanup, from 1.
	Attempt int
}

// checkName says what is wrong with an id or a zone.
func checkName(what, s string, least int) error {
	if len(s) < least {
		return fmt.Errorf("%w: empty %s", ErrInvalid, what)
	}
	if len(s) > maxName {
		return fmt.Errorf("%w: %s of %d bytes, at most %d are allowed", ErrInvalid, what, len(s), maxName)
	}
	return nil
}

// checkInterval returns the interval that d stands for.
func checkInterval(d time.Duration) (time.Duration, error) {
	if d == 0 {
		return DefaultInterval, nil
	}
	if d < minInterval || d > maxInterval {
		return 0, fmt.Errorf("%w: interval %v is not between %v and %v", ErrInvalid, d, minInterval, maxInterval)
	}
	return d, nil
}
