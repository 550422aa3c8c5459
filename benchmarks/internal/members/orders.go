package members

import "time"

// Begin is the order that makes a process a registry, and a member if it has an Engine.
type Begin struct {
	Engine   string // the kind of the engine; empty for a registry that is not shared
	Addr     string
	Name     string
	Index    int // of this member
	Interval time.Duration
	Timeout  float64 // of the hosts, in intervals
	Lapse    time.Duration
	// Await is the number of hosts to wait for, besides the membership.
	Await int
}

// Begun says how long that took, from before the connection to the engine.
type Begun struct{ Ready, Hosts time.Duration }

// Join is the order to announce the hosts of this member.
type Join struct {
	Hosts    Hosts
	Schedule Schedule
	Interval time.Duration
	Flush    bool // until all that is in the table
}

// Change is the order to announce hosts that are at home here with other metadata.
type Change struct {
	Schedule  Schedule
	First     int // the number of the first change
	Step      int // from one change of this member to the next
	Count     int
	PerSecond float64
	Start     int64 // wall clock
}

// Until is the order to wait for a number of hosts.
type Until struct {
	Hosts int
	Limit time.Duration
}

// A Departed host, as one member saw it.
type Departed struct {
	Host int
	At   int64 // wall clock, when the watcher got the event
	Kind string
}

// Seen is what a member has seen since it began to watch.
type Seen struct {
	Changes    map[int]int64 // by number: wall clock
	Departures []Departed
	Missed     uint64 // events
}

// Figures of a process, since it began.
type Figures struct {
	CPU               time.Duration
	Contacts, Unknown uint64 // made by the hosts; those that were answered with ErrUnknownHost
	Refused           uint64 // contacts, because the member was not ready
	Late              time.Duration
	Hosts             int
	Evicted, Rejoined uint64
	Kept              int
	Writes, Conflicts uint64
	Snapshots, Buried uint64
	FeedErrors        uint64
}
