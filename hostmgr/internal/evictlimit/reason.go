package evictlimit

import "fmt"

// A Kind says which rule a Reason is about.
type Kind uint8

const (
	// RateKind means that the limit is always active, and grants a number of evictions a second.
	RateKind Kind = iota + 1
	// ZoneKind means that too many hosts of a zone are missing.
	ZoneKind
	// AllKind means that too many of all hosts are missing.
	AllKind
	// RecentKind means that too many hosts were missing until recently.
	RecentKind
)

// A Reason says why the limit holds a host. The zero Reason means that it does not. Reasons can be
// compared.
type Reason struct {
	Kind           Kind
	Missing, Total int     // hosts, at the latest Update: of ZoneKind and AllKind
	Zone           string  // of ZoneKind
	PerSecond      float64 // of RateKind
}

// String describes the reason in a few words. It is empty for the zero Reason.
func (r Reason) String() string {
	switch r.Kind {
	case RateKind:
		return fmt.Sprintf("eviction limit: at most %v evictions a second", r.PerSecond)
	case ZoneKind:
		return fmt.Sprintf("eviction limit: %d of %d hosts of zone %q are missing", r.Missing, r.Total, r.Zone)
	case AllKind:
		return fmt.Sprintf("eviction limit: %d of %d hosts are missing", r.Missing, r.Total)
	case RecentKind:
		return "eviction limit: until recently too many hosts were missing"
	default:
		return ""
	}
}
