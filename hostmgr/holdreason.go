package hostmgr

import (
	"strings"

	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
)

// A HoldReason says why a host that is due was not evicted: because of the EvictionLimit, Confirm,
// or both, or because the other members of a shared registry are asked about it. HoldReasons can be
// compared. The zero HoldReason means that nothing holds the host.
//
// It is encoded as the text of String, by packages encoding/json and encoding/gob and others. So a
// Departure has the same Reason in a later process.
type HoldReason struct {
	limit   evictlimit.Reason
	pending bool // the eviction limit decides at the next sweep
	confirm confirmation
}

// A confirmation is the result of asking Confirm about a host.
type confirmation uint8

const (
	notAsked confirmation = iota
	awaitsConfirm
	refused
	confirmFailed
	confirmTimedOut
	awaitsMembers // of a shared registry
)

// String describes the confirmation in a few words. It is empty for notAsked.
func (c confirmation) String() string {
	return [...]string{"", "awaiting Confirm", "refused by Confirm", "Confirm failed", "Confirm timed out",
		"awaiting the other members"}[c]
}

const awaitingLimit = "awaiting the eviction limit"

// String describes the reason in a few words. It is empty for the zero HoldReason.
func (h HoldReason) String() string {
	limit, confirm := h.limit.String(), h.confirm.String()
	if h.pending {
		limit = awaitingLimit
	}
	if limit != "" && confirm != "" {
		return limit + "; then " + confirm
	}
	return limit + confirm
}

// MarshalText returns the text of String.
func (h HoldReason) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText sets the reason to the one with this text. It takes any text, because another
// version of this package may use other words.
func (h *HoldReason) UnmarshalText(text []byte) error {
	*h = parseHoldReason(string(text))
	return nil
}

// MarshalBinary returns the text of String. Package encoding/gob does not use MarshalText.
func (h HoldReason) MarshalBinary() ([]byte, error) { return h.MarshalText() }

// UnmarshalBinary is UnmarshalText.
func (h *HoldReason) UnmarshalBinary(text []byte) error { return h.UnmarshalText(text) }

// parseHoldReason is the inverse of String. A text that String does not return is kept as it is.
func parseHoldReason(text string) HoldReason {
	limit, confirm := text, notAsked
	for c := awaitsConfirm; c <= awaitsMembers; c++ {
		if text == c.String() {
			return HoldReason{confirm: c}
		}
		if before, ok := strings.CutSuffix(text, "; then "+c.String()); ok && before != "" {
			limit, confirm = before, c
		}
	}
	if limit == awaitingLimit {
		return HoldReason{pending: true, confirm: confirm}
	}
	return HoldReason{limit: evictlimit.ParseReason(limit), confirm: confirm}
}
