package share

import (
	"encoding/json"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A bridge is the registry as the core sees it. It converts between hosts and records. The
// goroutine of Run uses it.
type bridge[M any] struct {
	hosts    *hostmgr.Sharing[M]
	codec    safeCodec[M]
	clock    *timeline
	failed   uint64 // calls of the codec
	failing  func(id string, err error)
	tooLarge error
}

var _ member.Registry = (*bridge[int])(nil)

func (b *bridge[M]) Look(id string) (l member.Local, ok bool) {
	h, p, ok := b.hosts.Look(id)
	return member.Local{
		Registration: h.Registration, Incarnation: h.Incarnation, Keeper: p.Keeper, Assigned: p.Assigned,
		Heard: p.Heard, Due: p.Due, Suspect: h.State >= hostmgr.StateSuspect, Word: p.Word, Now: p.Now,
		Silence: int64(b.clock.last.Sub(h.LastContact)), Timeout: int64(p.Timeout), Interval: int64(h.Interval),
		Ago: int64(p.Ago),
	}, ok
}

func (b *bridge[M]) Content(id string) (registration uint64, c record.Content, ok bool) {
	h, p, ok := b.hosts.Look(id)
	if !ok {
		return 0, c, false
	}
	return h.Registration, b.content(&h, p.Assigned), true
}

// content encodes a host. If that is not possible, the host is shared without metadata.
func (b *bridge[M]) content(h *hostmgr.Host[M], assigned bool) record.Content {
	c := record.Content{Incarnation: h.Incarnation, Assigned: assigned, Interval: uint64(h.Interval), Zone: h.Zone}
	encoded, err := b.codec.Encode(h.Metadata)
	if err == nil && len(encoded) > record.MaxMetadata {
		err = b.tooLarge
	}
	if c.Metadata = encoded; err != nil {
		c.Metadata, c.NoMetadata = nil, true
		b.fail(h.ID, err)
	}
	return c
}

func (b *bridge[M]) fail(id string, err error) {
	b.failed++
	b.failing(id, err)
}

func (b *bridge[M]) Scan(yield func(id string, l member.Local) bool) {
	b.hosts.Scan(func(id string, registration uint64, p shared.Private) bool {
		return yield(id, member.Local{Registration: registration, Keeper: p.Keeper, Heard: p.Heard, Due: p.Due})
	})
}

func (b *bridge[M]) Reflect(id string, x *record.Host, r member.Reflection, keep bool) member.Outcome {
	h := hostmgr.Host[M]{
		ID: id, Interval: time.Duration(x.Interval), Zone: x.Zone, Incarnation: x.Incarnation, Registration: x.Registration,
	}
	if ok := b.decode(&h, x); !ok {
		if !b.isSame(id, x) {
			return member.Refused
		}
		keep = true
	}
	o, err := b.hosts.Reflect(h, shared.Reflection{
		Keeper: r.Keeper, Assigned: r.Assigned, Suspect: r.Suspect, KeepContent: keep,
	})
	switch {
	case err != nil:
		b.fail(id, err)
		return member.Refused
	case o == shared.Reflected:
		return member.Reflected
	case o == shared.NewerHere:
		return member.NewerHere
	default:
		return member.Refused
	}
}

// decode sets the metadata of a host from its record.
func (b *bridge[M]) decode(h *hostmgr.Host[M], x *record.Host) bool {
	if x.NoMetadata {
		return false
	}
	m, err := b.codec.Decode(x.Metadata)
	if err != nil {
		b.fail(h.ID, err)
		return false
	}
	h.Metadata = m
	return true
}

// isSame reports whether the process of a record is registered here, so that its metadata are here.
func (b *bridge[M]) isSame(id string, x *record.Host) bool {
	h, p, ok := b.hosts.Look(id)
	return ok && (h.Incarnation == x.Incarnation || p.Assigned && x.Assigned)
}

func (b *bridge[M]) Assign(id string, registration uint64, r member.Reflection) bool {
	return b.hosts.Assign(id, registration, shared.Reflection{Keeper: r.Keeper, Assigned: r.Assigned, Suspect: r.Suspect})
}

func (b *bridge[M]) Depart(id string, registration uint64, how *record.Gone) {
	d := &hostmgr.Departure[M]{
		Kind: hostmgr.DepartureEvicted, At: b.clock.last,
		Host:     hostmgr.Host[M]{ID: id, Registration: registration},
		Evidence: hostmgr.Evidence{Judgement: "it departed while this member was out of touch"},
	}
	if how != nil {
		d.Kind = hostmgr.DepartureKind(how.Kind)
		d.At, d.Evidence = decodeEvidence(how.Evidence, d.At)
	}
	b.hosts.Depart(d)
}

func (b *bridge[M]) Await(id string, registration uint64) { b.hosts.Await(id, registration) }

func (b *bridge[M]) Vouch(keeper uint8, d int64) { b.hosts.Vouch(keeper, time.Duration(d)) }

func (b *bridge[M]) Settle(id string, registration uint64, word, asked, until int64) member.Outcome {
	switch b.hosts.Settle(id, registration, word, asked, b.clock.reading(until)) {
	case shared.Evicted:
		return member.Evicted
	case shared.Unknown:
		return member.Unknown
	case shared.TooLate:
		return member.TooLate
	default:
		return member.Saved
	}
}

// ending converts a departure that this registry has decided.
func (b *bridge[M]) ending(d *hostmgr.Departure[M]) member.Ending {
	return member.Ending{
		Registration: d.Host.Registration, Incarnation: d.Host.Incarnation, Kind: uint8(d.Kind),
		Evidence:  encodeEvidence(d.At, d.Evidence),
		Settled:   d.Kind == hostmgr.DepartureEvicted && d.Judgement == "",
		Forgotten: d.Kind == hostmgr.DepartureForgotten,
		Content:   b.content(&d.Host, false),
	}
}

// departure converts a departure for the shared cleanup.
func (b *bridge[M]) departure(x *member.Cleanup) (d hostmgr.Departure[M], err error) {
	g := &x.Gone
	d.Kind, d.Attempt = hostmgr.DepartureKind(g.Kind), x.Attempt
	d.Host = hostmgr.Host[M]{
		ID: x.Host, Interval: time.Duration(g.Host.Interval), Zone: g.Host.Zone,
		Incarnation: g.Host.Incarnation, Registration: g.Host.Registration,
	}
	d.At, d.Evidence = decodeEvidence(g.Evidence, b.clock.last)
	if !g.Host.NoMetadata {
		d.Host.Metadata, err = b.codec.Decode(g.Host.Metadata)
	}
	return d, err
}

// evidence is how a departure is encoded in a gone record.
type evidence struct {
	At time.Time
	hostmgr.Evidence
}

func encodeEvidence(at time.Time, e hostmgr.Evidence) []byte {
	b, err := json.Marshal(evidence{at.Round(0), e})
	if err != nil { // there is no such departure
		return nil
	}
	return b
}

// decodeEvidence returns what a gone record says. Evidence that another version has written may
// have other fields.
func decodeEvidence(b []byte, now time.Time) (time.Time, hostmgr.Evidence) {
	e := evidence{At: now}
	if err := json.Unmarshal(b, &e); err != nil {
		return now, hostmgr.Evidence{}
	}
	return e.At, e.Evidence
}
