// Package shared has the plain types by which a registry and package share talk about the hosts
// that several registries share.
package shared

import "time"

// A Reflection says what the shared table knows of a host, beyond the host itself.
type Reflection struct {
	Keeper   uint8 // the number of the member that judges the host; 0: this registry
	Assigned bool  // a registry has assigned the incarnation
	Suspect  bool  // the keeper suspects the host

	// KeepContent leaves the metadata, the interval and the zone as they are here, if the same
	// process is registered here: an announce here is newer.
	KeepContent bool
}

// A Change says that a host has changed here.
type Change struct {
	ID      string
	Content bool // it joined here, or its metadata, its interval or its zone have changed here
}

// A Private is what one registry alone knows of a host.
type Private struct {
	Keeper   uint8         // as in Reflection
	Assigned bool          // likewise
	Heard    bool          // the host was heard here, or restored, and its timeout has not passed since then
	Due      bool          // the host was due at its latest check, and only the other members may still hold it
	Word     int64         // identifies the silence of the host, for Settle
	Now      int64         // the time of the registry at this moment, for Settle
	Timeout  time.Duration // as Evidence.Timeout: without stalls
	Ago      time.Duration // since the last contact here; years if there was none
}

// An Outcome says what became of a host.
type Outcome uint8

// The outcomes of Reflect, and of Settle.
const (
	Reflected Outcome = iota + 1 // the host is registered as it was described
	NewerHere                    // nothing was changed: the registration here has a greater incarnation
	Departed                     // nothing was changed: that registration has ended here, and Take will return its departure
	Evicted                      // the registration has ended
	Saved                        // not evicted: there was a contact, a stall or a longer timeout since the question
	Unknown                      // not evicted: that registration is not the current one
	TooLate                      // not evicted: the time for it has passed
)
