// Package record has the keys and the wire format of the shared table.
//
// A value begins with the version of the protocol. The rest are unsigned varints, and texts after
// their length. A value that is not exactly in this form is refused: see [ErrFormat] and
// [ErrProtocol].
package record

import (
	"errors"
	"math"
)

// Protocol is the version of the protocol, and the first byte of each value.
const Protocol = 1

// MaxMetadata is the most bytes of encoded metadata in a record. A gone record has more than that
// in a value of 65 KiB: the evidence, and the zone of its host.
const MaxMetadata = 60 << 10

const (
	maxMember   = 64      // bytes of the id of a member
	maxLabel    = 256     // bytes of the name of a member
	maxEvidence = 3 << 10 // bytes of encoded evidence
	maxLapse    = 3600e9  // an hour, in nanoseconds
)

var (
	// ErrFormat means that a value is malformed.
	ErrFormat = errors.New("malformed record")
	// ErrProtocol means that a value is of another version of the protocol.
	ErrProtocol = errors.New("record of another protocol version")
)

// A Member says that a member lives, and how far it has read.
type Member struct {
	Counter uint64 // of its renewals
	// Read is the revision up to which it has read the feed, and answered all questions. Version is
	// that of the table at this revision: it names the history.
	Read, Version uint64
	Lapse         uint64 // in nanoseconds: how long it may be silent before it is buried
	Name          string // for people
}

// A Content is what a host has announced, and what its registry made of it.
type Content struct {
	Incarnation uint64
	Assigned    bool   // the incarnation was assigned by a registry
	Interval    uint64 // in nanoseconds
	Zone        string
	Metadata    []byte // encoded
	NoMetadata  bool   // they are too large, or the codec failed
}

// A Host is the current registration of a host.
type Host struct {
	Registration uint64
	Content
	Keeper                  string // the id of a member
	Suspect, Asked, Claimed bool
}

// A Gone is a departure, and the shared cleanup that is owed for it.
type Gone struct {
	Kind     uint8  // of the departure
	Evidence []byte // encoded; may be empty
	Cleaner  string // the id of a member
	Done     bool   // the cleanup: the record waits until all members have read it
	Host     Host   // as it was
}

// Encode returns the value of the record.
func (m *Member) Encode() []byte {
	w := newWriter(32 + len(m.Name))
	w.number(m.Counter)
	w.number(m.Read)
	w.number(m.Version)
	w.number(m.Lapse)
	w.text(cut(m.Name, maxLabel))
	return w
}

// DecodeMember is the inverse of Encode.
func DecodeMember(value []byte) (m Member, err error) {
	r := newReader(value)
	m = Member{Counter: r.number(), Read: r.number(), Version: r.number(), Lapse: r.number(), Name: r.text(maxLabel)}
	r.check(m.Lapse > 0 && m.Lapse <= maxLapse)
	return m, r.end()
}

const (
	flagAssigned = 1 << iota
	flagSuspect
	flagAsked
	flagClaimed
	flagNoMetadata
	flagsEnd
)

// Encode returns the value of the record. The metadata are at most MaxMetadata bytes.
func (h *Host) Encode() []byte {
	w := newWriter(64 + len(h.Keeper) + len(h.Zone) + len(h.Metadata))
	w.host(h)
	return w
}

func (w *writer) host(h *Host) {
	w.number(h.flags())
	w.number(h.Registration)
	w.text(h.Keeper)
	w.number(h.Incarnation)
	w.number(h.Interval)
	w.text(h.Zone)
	w.text(string(h.Metadata))
}

func (h *Host) flags() (f uint64) {
	for i, set := range []bool{h.Assigned, h.Suspect, h.Asked, h.Claimed, h.NoMetadata} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// DecodeHost is the inverse of Encode. The metadata are a part of value.
func DecodeHost(value []byte) (Host, error) {
	r := newReader(value)
	h := r.host()
	return h, r.end()
}

func (r *reader) host() (h Host) {
	f := r.number()
	h.Assigned, h.Suspect, h.Asked = f&flagAssigned != 0, f&flagSuspect != 0, f&flagAsked != 0
	h.Claimed, h.NoMetadata = f&flagClaimed != 0, f&flagNoMetadata != 0
	h.Registration, h.Keeper = r.number(), r.text(maxMember)
	h.Incarnation, h.Interval = r.number(), r.number()
	h.Zone, h.Metadata = r.text(maxName), r.bytes(MaxMetadata)
	r.check(f < flagsEnd && h.Keeper != "" && h.Registration != 0)
	r.check(h.Interval != 0 && h.Interval <= math.MaxInt64)
	r.check(!h.NoMetadata || len(h.Metadata) == 0)
	return h
}

const flagDone = 1 << 8 // above the kind of a departure

// Encode returns the value of the record. Evidence that is too long is left out.
func (g *Gone) Encode() []byte {
	evidence := g.Evidence
	if len(evidence) > maxEvidence {
		evidence = nil
	}
	w := newWriter(128 + len(evidence) + len(g.Host.Zone) + len(g.Host.Metadata))
	kind := uint64(g.Kind)
	if g.Done {
		kind |= flagDone
	}
	w.number(kind)
	w.text(string(evidence))
	w.text(g.Cleaner)
	w.host(&g.Host)
	return w
}

// DecodeGone is the inverse of Encode. The evidence and the metadata are parts of value.
func DecodeGone(value []byte) (g Gone, err error) {
	r := newReader(value)
	kind := r.number()
	g = Gone{Kind: uint8(kind), Done: kind&flagDone != 0, Evidence: r.bytes(maxEvidence), Cleaner: r.text(maxMember), Host: r.host()}
	r.check(g.Kind > 0 && kind < 2*flagDone && g.Cleaner != "")
	return g, r.end()
}

func cut(s string, most int) string { return s[:min(len(s), most)] }
