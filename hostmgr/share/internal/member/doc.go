// Package member decides what one member does: what it writes into the shared table, and what its
// registry is told. It is pure: no goroutine, no clock, no lock, no codec. A test can run hours of
// several members in one goroutine.
//
// A [Core] compares states, and has no outbox: whatever happens to a host only makes the core look
// at it. It then compares the record in the table, the registry, and which members are alive. So a
// write that is lost, refused or repeated needs no case of its own. The record in the table is what
// the feed has shown. An acknowledged write counts only when the feed shows it. The core remembers
// one thing about its writes: a registration that it has sent, and that no feed has shown. See
// [trial].
//
// There may be a million hosts, so the core does not look at all of them at each tick. It looks at
// a host when the registry or the feed reports a change of it, and then has a [matter] until there
// is nothing left to do. When a keeper has died, or the table has lost records, it looks through
// the hosts of the registry.
package member

import "github.com/hostlife/hostlife/hostmgr/share/internal/record"

const (
	second      = int64(1e9)
	millisecond = int64(1e6)
	minute      = 60 * second
)

// A Local is what the registry knows about a host.
type Local struct {
	Registration, Incarnation uint64
	Keeper                    uint8
	Assigned                  bool // the incarnation was assigned by a registry
	Heard                     bool // a contact here within the timeout
	Due                       bool // silent for its timeout; it awaits the members
	Suspect                   bool
	Word, Now                 int64 // for Settle
	Silence, Timeout          int64 // as far as this registry knows; Timeout 0: never
	Interval                  int64 // between two contacts of the host
	Ago                       int64 // since the last contact here
}

// A Reflection is what the table says about a host besides its content.
type Reflection struct {
	Keeper            uint8 // 0: this member
	Assigned, Suspect bool
}

// An Outcome is the answer of Reflect and Settle.
type Outcome uint8

// The outcomes.
const (
	Reflected Outcome = iota + 1
	NewerHere         // the registration here has a greater incarnation; nothing has changed
	Refused           // the registry cannot take the record, for instance because of its metadata
	Evicted
	Saved   // by a contact, a stall or a longer timeout since the question
	Unknown // there is another registration, or none
	TooLate
)

// A Registry is what a core asks of its registry. All methods return soon.
type Registry interface {
	Look(id string) (Local, bool)
	// Content returns what a record says about a host, with its registration.
	Content(id string) (registration uint64, c record.Content, ok bool)
	// Scan calls yield with each host. Only Registration, Keeper, Heard and Due are set. An id that
	// is kept must be cloned.
	Scan(yield func(id string, l Local) bool)
	// Reflect joins or refreshes a host as another member knows it. With keep, the content of a
	// host that is registered here stays as it is.
	Reflect(id string, h *record.Host, r Reflection, keep bool) Outcome
	// Assign changes keeper and suspicion of a registration. It returns false if there is none.
	Assign(id string, registration uint64, r Reflection) bool
	// Depart ends a registration as decided elsewhere, if it is there. How is nil if that is not
	// known.
	Depart(id string, registration uint64, how *record.Gone)
	// Await has the next contact of a host that another member keeps reported as a change.
	Await(id string, registration uint64)
	// Vouch makes the hosts of a keeper count as heard until now + d. d may be negative.
	Vouch(keeper uint8, d int64)
	// Settle evicts a host that has had no contact since word was read, and was due by its present
	// deadline at asked, before until. Asked is the Local.Now of the question.
	Settle(id string, registration uint64, word, asked, until int64) Outcome
}

// A Write creates, changes or deletes one record. See share.Write.
type Write struct {
	Key             string
	Expect, Version uint64
	Value           []byte
	Delete          bool
}
