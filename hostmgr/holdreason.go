package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/evictlimit"

// A HoldReason says why a host that is due was not evicted: because of the EvictionLimit, Confirm,
// or both. HoldReasons can be compared. The zero HoldReason means that nothing holds the host.
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
)

// String describes the confirmation in a few words. It is empty for notAsked.
func (c confirmation) String() string {
	return [...]string{"", "awaiting Confirm", "refused by Confirm", "Confirm failed", "Confirm timed out"}[c]
}

// String describes the reason in a few words. It is empty for the zero HoldReason.
func (h HoldReason) String() string {
	limit, confirm := h.limit.String(), h.confirm.String()
	if h.pending {
		limit = "awaiting the eviction limit"
	}
	if limit != "" && confirm != "" {
		return limit + "; then " + confirm
	}
	return limit + confirm
}
