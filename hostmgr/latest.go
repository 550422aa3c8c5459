package hostmgr

import "time"

const (
	maxLatest = 200                // departures that are kept
	burst     = int64(time.Second) // in which at most so many are kept
)

// latest has the latest departures. Of more than 200 in a second it has the first 200. So each
// other one of a mass eviction costs it only a comparison. The registry's lock guards it.
//
// The metadata is nil if it is not kept.
type latest[M any] struct {
	ring[*Departure[*M]]       // they do not change
	from                 int64 // the time of the first one of the current second
	left                 int   // how many more are kept in that second
}

// wants reports whether a departure is to be kept.
func (l *latest[M]) wants(now int64) bool { return l.left > 0 || now-l.from >= burst || l.next == 0 }

// keep keeps a departure.
func (l *latest[M]) keep(d *Departure[M], metadata bool, now int64) {
	if now-l.from >= burst || l.next == 0 {
		l.from, l.left = now, maxLatest
	}
	l.left--
	var m *M
	if metadata {
		own := d.Host.Metadata
		m = &own
	}
	l.push(withMetadata(d, m), maxLatest)
}

// withMetadata returns a copy of a departure with other metadata.
func withMetadata[N, M any](d *Departure[M], metadata N) *Departure[N] {
	h := &d.Host
	return &Departure[N]{Kind: d.Kind, At: d.At, Evidence: d.Evidence, Host: Host[N]{
		ID: h.ID, Metadata: metadata, State: h.State, Interval: h.Interval, Incarnation: h.Incarnation,
		Registration: h.Registration, Zone: h.Zone, Joined: h.Joined, LastContact: h.LastContact,
		Evictions: h.Evictions, SuspectAt: h.SuspectAt, EvictAt: h.EvictAt,
		Hold: h.Hold, HoldUntil: h.HoldUntil,
	}}
}
