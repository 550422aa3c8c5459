package hostmgr

import "time"

// An EventKind is what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	EventJoined    EventKind = iota + 1 // a registration began
	EventUpdated                        // an Announce refreshed a host
	EventSuspected                      // a sweep found a host suspect, or due where an EvictionLimit or Confirm may hold it
	EventRecovered                      // a suspect was heard again
	EventDeparted                       // a registration ended: see Event.Departure
	EventMissed                         // the watcher fell behind; a fresh snapshot follows
	EventSynced                         // the end of a snapshot
)

// String returns the kind's name in lower case.
func (k EventKind) String() string {
	return name([]string{"", "joined", "updated", "suspected", "recovered", "departed", "missed", "synced"}, int(k))
}

// An Event is a change that a watcher is told of.
type Event[M any] struct {
	// Seq numbers the registry's events. A host of a snapshot carries the number
	// of the last event before it was read. From EventSynced on no number is left out.
	Seq  uint64
	Kind EventKind
	At   time.Time
	Host Host[M] // as it was at that moment; none for EventMissed and EventSynced
	// Departure is set for EventDeparted only, with Attempt 0. All watchers share it: do not change it.
	Departure *Departure[M]
	// Missed is how many events a watcher that fell behind will not get.
	Missed uint64
}
