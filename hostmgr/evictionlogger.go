package hostmgr

import (
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/internal/asynclog"
)

// An evictionLogger logs evictions, with no lock held. A line has those since the line before, and
// describes the first of them. It costs an eviction little more than a counter. Nil logs nothing.
type evictionLogger struct {
	log  *slog.Logger // summarises nothing: a line is a sum
	some atomic.Bool  // evictions were noted since the last line

	mu    sync.Locker // the registry's lock, which guards the rest
	pace  asynclog.Pace
	noted evictions
}

// evictions are what a line tells.
type evictions struct {
	hosts uint64
	zones [4]uint64 // bit n&63 of word n>>6: zone n, as the eviction limit counts zones
	id    string    // of the first host
	zone  string    // likewise
	why   Evidence  // likewise
}

// newEvictionLogger returns nil if there is no logger.
func newEvictionLogger(logger *slog.Logger, lines *asynclog.Log, mu sync.Locker) *evictionLogger {
	if logger == nil {
		return nil
	}
	return &evictionLogger{log: lines.Direct(), mu: mu}
}

// note counts an eviction in the zone of this number. If first is true, the caller describes it.
// The caller holds the lock, as for describe and due.
func (l *evictionLogger) note(zone uint8) (first bool) {
	if l == nil {
		return false
	}
	l.noted.hosts++
	l.noted.zones[zone>>6] |= 1 << (zone & 63)
	return l.noted.hosts == 1
}

// describe describes the first eviction. It returns when the line about it is due.
func (l *evictionLogger) describe(id, zone string, why Evidence) (due int64) {
	l.noted.id, l.noted.zone, l.noted.why = id, zone, why
	l.some.Store(true)
	return l.due()
}

// due returns when the next line is due.
func (l *evictionLogger) due() int64 {
	if l == nil || l.noted.hosts == 0 {
		return never
	}
	return l.pace.End()
}

// flush logs the evictions since the last line, unless its pause is not over.
func (l *evictionLogger) flush(now int64) { l.tell(now, false) }

// finish logs the evictions since the last line.
func (l *evictionLogger) finish(now int64) { l.tell(now, true) }

func (l *evictionLogger) tell(now int64, atOnce bool) {
	if l == nil || !l.some.Load() {
		return
	}
	if x := l.take(now, atOnce); x.hosts > 0 {
		d := Departure[struct{}]{Kind: DepartureEvicted, Evidence: x.why}
		l.log.Info("evicted hosts", "hosts", x.hosts, "zones", x.countZones(), "first", x.id, "zone", x.zone, "reason", d.Reason())
	}
}

// take takes what is to be told. It takes nothing in a pause, unless atOnce is true.
func (l *evictionLogger) take(now int64, atOnce bool) (x evictions) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted.hosts == 0 || l.pace.Holds(now) && !atOnce {
		return x
	}
	l.pace.Line(now)
	l.some.Store(false)
	x, l.noted = l.noted, evictions{}
	return x
}

func (x *evictions) countZones() (n int) {
	for _, word := range x.zones {
		n += bits.OnesCount64(word)
	}
	return n
}
