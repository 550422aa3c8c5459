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
	// Metadata is the embedder's own. The registry keeps it and never looks
	// inside. A refresh replaces it.
	Metadata M
	// Interval is the time until the host's next contact, from 10 ms to
	// 24 h. Zero means DefaultInterval. A host that follows the advised interval names that one.
	Interval time.Duration
	// Incarnation orders the processes that used one id: newer is greater. Zero means the
	// current registration; where there is none, the registry assigns a number greater
	// than any that it assigned before.
	Incarnation uint64
	// Zone is where the host stands, for counting: at most 1024 bytes. A
	// registry tells 64 zones apart; hosts of any further one are in "other".
	Zone string
}

// An Ack is the answer to an Announce or a Heartbeat: what to use for the next one.
type Ack struct {
	// Interval is the time until the next contact: the one that the host named, or with
	// Config.Pacing the one that the registry advises.
	Interval    time.Duration
	Incarnation uint64
	// Registration is the number of the current registration. If it differs from that of the
	// Ack before, the host was gone in between: see Host.Registration.
	Registration uint64
}

// A State is what a host's silence means at one moment.
type State uint8

const (
	// StateAlive means that the silence is at most the host's interval.
	StateAlive State = iota + 1
	// StateLate means that a heartbeat is overdue, which may be network jitter. Nothing is
	// done about it.
	StateLate
	// StateSuspect means: give the host no new work, but keep its metadata.
	StateSuspect
	// StateOffline means that the timeout has passed. The next sweep evicts the host, unless it is
	// held, or heard before.
	StateOffline
)

// String returns the state's name in lower case.
func (s State) String() string {
	return name([]string{"", "alive", "late", "suspect", "offline"}, int(s))
}

// A Host is a snapshot of one host at one moment. Changing it changes nothing
// in the registry.
type Host[M any] struct {
	ID          string
	Metadata    M
	State       State
	Interval    time.Duration // that the timeouts are computed from
	Incarnation uint64
	// Registration is the number of this join. It is never used again: not by another host, nor in
	// a later process, unless its clock was set back. Restore keeps it, so restoring a snapshot
	// twice, or one that has a number twice, repeats it.
	Registration uint64
	Zone         string
	Joined       time.Time
	LastContact  time.Time
	// SuspectAt and EvictAt are the deadlines if no contact comes: the
	// host is suspect, or due for eviction, after (not at) them. The zero time
	// means never.
	SuspectAt, EvictAt time.Time
	// Hold says why a host that is due is still here. The zero HoldReason: nothing holds it.
	Hold HoldReason
}

func name(names []string, i int) string {
	if i > 0 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
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
