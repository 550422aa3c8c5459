package announcer

import "time"

// Status is a snapshot of what an Announcer knows about one target.
type Status struct {
	Name string // of the Target; empty if there is only one
	// Interval is the one in use: the one that the latest Ack advised, or Config.Interval.
	Interval time.Duration
	// Incarnation is the one that the host announces. It is above Config.Incarnation if the
	// registry refused that.
	Incarnation uint64
	// Registration is the number in the latest Ack, or 0 if the host is not registered, as far as
	// it knows.
	Registration uint64
	// Joined reports that the host is registered, and that Config.Joined has succeeded for the
	// registration or is nil.
	Joined bool
	// LastContact is when the latest accepted contact began; the zero time if there was none in
	// this Run.
	LastContact time.Time
	// Failures is the number of attempts that have failed since then. An attempt that is repeated
	// before it has ended is not counted if a later one was accepted.
	Failures uint64
	// Err is the error of the latest of these failures, or of the stop; nil if there is none.
	Err error
	// Stopped reports that the contacts have stopped for good: see Announcer.Run.
	Stopped bool
	// LeftBehind is the number of calls that are left behind now: see Config.
	LeftBehind int
}
