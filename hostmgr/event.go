package hostmgr

import "time"

// An EventKind says what happened to a host, or to the watcher.
type EventKind uint8

// The kinds of events.
const (
	EventJoined    EventKind = iota + 1 // a registration began
	EventUpdated                        // an Announce refreshed a host, or an Update changed its metadata
	EventSuspected                      // a sweep found the host suspect; or due, and something may hold it
	EventRecovered                      // a contact, or a longer timeout, ended the suspicion
	EventDeparted                       // a registration ended: see Event.Departure
	EventMissed                         // the watcher fell behind; a fresh snapshot follows
	EventSynced                         // the snapshot is complete
)

// String returns the kind's name in lower case.
func (k EventKind) String() string {
	return name([]string{"", "joined", "updated", "suspected", "recovered", "departed", "missed", "synced"}, int(k))
}

// An Event tells a watcher of one change.
type Event[M any] struct {
	// Seq numbers the events of a registry. A host of a snapshot has the number of the last event
	// before it was read. After EventSynced the numbers have no gaps.
	Seq  uint64
	Kind EventKind
	At   time.Time
	Host Host[M] // at that moment; zero for EventMissed and EventSynced
	// Departure is set for EventDeparted only, with Attempt 0. All watchers share it, so it must
	// not be changed.
	Departure *Departure[M]
	// Missed is how many events the watcher will not get; for EventMissed only.
	Missed uint64
}
