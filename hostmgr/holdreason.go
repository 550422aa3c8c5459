package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// A HoldReason is why a host that is due was not evicted. HoldReasons can be compared; the zero
// HoldReason means that nothing holds the host.
type HoldReason struct {
	limit   evictlimit.Reason
	pending bool // the eviction limit decides at the next sweep
	confirm confirmation
}

// A confirmation is what became of asking Confirm about a host.
type confirmation uint8

const (
	notAsked confirmation = iota
	awaitsConfirm
	refused
	confirmFailed
)

// String describes the confirmation in a few words; notAsked is empty.
func (c confirmation) String() string {
	return [...]string{"", "awaiting Confirm", "refused by Confirm", "Confirm failed"}[c]
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

// A hold is why a host that is due is still here: it waits for the eviction limit, and then for
// Confirm.
type hold struct {
	HoldReason
	since   int64
	waits   bool // for the limit
	expired bool // the limit let it go, because its MaxHold was over
}

// byLimit tells whether the limit decided to hold the host.
func (h *hold) byLimit() bool { return h.limit != evictlimit.Reason{} }

// holds are why hosts that are due are held; nil if none is held.
type holds map[holdKey]hold

// A holdKey names a registration. The number alone does not: Restore may be given one twice.
type holdKey struct {
	hash         index.Hash
	registration uint64
}

func keyOf(e index.Entry) holdKey { return holdKey{e.Hash(), e.Registration()} }

// of is why a host is held; zero if it is not.
func (hs holds) of(e index.Entry) (h hold) {
	if e.Held() {
		h = hs[keyOf(e)]
	}
	return h
}
