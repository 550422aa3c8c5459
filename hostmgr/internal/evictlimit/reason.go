package evictlimit

import "fmt"

// A Kind says which rule a Reason is about.
type Kind uint8

const (
	// KindRate means that the limit is always active, and grants a number of evictions a second.
	KindRate Kind = iota + 1
	// KindZone means that too many hosts of a zone are missing.
	KindZone
	// KindAll means that too many of all hosts are missing.
	KindAll
	// KindRecent means that too many hosts were missing until recently.
	KindRecent
)

// A Reason says why the limit holds a host. The zero Reason means that it does not. Reasons can be
// compared.
type Reason struct {
	Kind           Kind
	Missing, Total int     // hosts, at the latest Update: of KindZone and KindAll
	Zone           string  // of KindZone
	PerSecond      float64 // of KindRate
}

// String describes the reason in a few words. It is empty for the zero Reason.
func (r Reason) String() string {
	switch r.Kind {
	case KindRate:
		return fmt.Sprintf("eviction limit: at most %v evictions a second", r.PerSecond)
	case KindZone:
		return fmt.Sprintf("eviction limit: %d of %d hosts of zone %q are missing", r.Missing, r.Total, r.Zone)
	case KindAll:
		return fmt.Sprintf("eviction limit: %d of %d hosts are missing", r.Missing, r.Total)
	case KindRecent:
		return "eviction limit: until recently too many hosts were missing"
	default:
		return ""
	}
}
