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
	// KindOther means that the Reason was parsed, from a text that no other kind has.
	KindOther
)

// A Reason says why the limit holds a host. The zero Reason means that it does not. Reasons can be
// compared.
type Reason struct {
	Kind           Kind
	Missing, Total int     // hosts, at the latest Update: of KindZone and KindAll
	Zone           string  // of KindZone; the text of KindOther
	PerSecond      float64 // of KindRate
}

// The texts of the kinds that have numbers.
const (
	rateText = "eviction limit: at most %v evictions a second"
	zoneText = "eviction limit: %d of %d hosts of zone %q are missing"
	allText  = "eviction limit: %d of %d hosts are missing"
)

// String describes the reason in a few words. It is empty for the zero Reason.
func (r Reason) String() string {
	switch r.Kind {
	case KindRate:
		return fmt.Sprintf(rateText, r.PerSecond)
	case KindZone:
		return fmt.Sprintf(zoneText, r.Missing, r.Total, r.Zone)
	case KindAll:
		return fmt.Sprintf(allText, r.Missing, r.Total)
	case KindRecent:
		return "eviction limit: until recently too many hosts were missing"
	case KindOther:
		return r.Zone
	default:
		return ""
	}
}

// ParseReason returns the Reason whose String is text. A text of no other kind becomes a Reason of
// KindOther.
func ParseReason(text string) Reason {
	rate, zone, all := Reason{Kind: KindRate}, Reason{Kind: KindZone}, Reason{Kind: KindAll}
	_, _ = fmt.Sscanf(text, rateText, &rate.PerSecond) // a text that does not match is of another kind
	_, _ = fmt.Sscanf(text, zoneText, &zone.Missing, &zone.Total, &zone.Zone)
	_, _ = fmt.Sscanf(text, allText, &all.Missing, &all.Total)
	for _, r := range []Reason{{}, rate, zone, all, {Kind: KindRecent}} {
		if r.String() == text {
			return r
		}
	}
	return Reason{Kind: KindOther, Zone: text}
}
