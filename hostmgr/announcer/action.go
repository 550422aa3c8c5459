package announcer

import (
	"errors"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr"
)

// An Action is what a host does about an error of Announce or Heartbeat. Any other value than those
// below means Retry.
type Action uint8

const (
	// Retry repeats the contact within the interval.
	Retry Action = iota
	// RetryLater announces the host when its next contact is due: the registry is full, or another
	// speaker has the id. Earlier attempts would only add to the load of the registry.
	RetryLater
	// AnnounceAgain announces the host at once: a heartbeat was answered, but the host is unknown.
	// As the answer to an announce it means Retry.
	AnnounceAgain
	// Stale means that the registry knows a newer incarnation, or that this one has ended. A host
	// that was registered stops. A host that was not chooses an incarnation above the one that
	// refused, once. If the Ack does not name the one that refused, the host announces itself once
	// an interval: the registry refuses only for a bounded time.
	Stale
	// GiveUp stops the contacts with this registry: repeating cannot help.
	GiveUp
)

// String returns the name of the action.
func (a Action) String() string {
	names := []string{"Retry", "RetryLater", "AnnounceAgain", "Stale", "GiveUp"}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("Action(%d)", a)
}

// Classify returns the Action for an error that wraps one of package hostmgr. Any other error means
// Retry.
func Classify(err error) Action {
	switch {
	case errors.Is(err, hostmgr.ErrUnknownHost):
		return AnnounceAgain
	case errors.Is(err, hostmgr.ErrStale):
		return Stale
	case errors.Is(err, hostmgr.ErrInvalid):
		return GiveUp
	case errors.Is(err, hostmgr.ErrFull), errors.Is(err, hostmgr.ErrConflict):
		return RetryLater
	default:
		return Retry
	}
}
