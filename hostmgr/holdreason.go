package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

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
)

// String describes the confirmation in a few words. It is empty for notAsked.
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

// A hold is the state of a host that is due but not evicted: first it waits for the eviction limit,
// then for Confirm.
type hold struct {
	HoldReason
	since   int64
	waits   bool // for the eviction limit
	expired bool // the limit released the host after MaxHold
}

// byLimit reports whether the eviction limit has decided to hold the host.
func (h *hold) byLimit() bool { return h.limit != evictlimit.Reason{} }

// holds has the hold of each held host. It is nil if no host is held.
type holds map[holdKey]hold

// A holdKey identifies a registration. The registration number alone is not enough: Restore may be
// given a number twice.
type holdKey struct {
	hash         index.Hash
	registration uint64
}

func keyOf(e index.Entry) holdKey { return holdKey{e.Hash(), e.Registration()} }

// of returns the hold of a host, or the zero hold.
func (hs holds) of(e index.Entry) (h hold) {
	if e.Held() {
		h = hs[keyOf(e)]
	}
	return h
}
