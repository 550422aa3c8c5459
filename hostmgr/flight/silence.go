package flight

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// due assesses a silence by a log of stalls and the timeouts of the replayed policy, with the
// arithmetic of a registry. It simulates no time: one line of a log costs little, however long its
// silence is, and however many stalls lie within it. The deadline is the first one that passed
// without a contact, or else the next one; it is zero if silence never evicts.
func (x *replay) due(r *Record, stalls *detector.StallLog, t *detector.Timeouts) (due bool, deadline time.Time) {
	// A sweep at the end of the silence itself would have evicted the host only if the deadline lies
	// before the end. The detector speaks of the first sweep that can evict: a nanosecond after the
	// deadline, and before the end + 1.
	at, due := stalls.Due(x.since(r.LastContact), t, x.since(r.end())+1)
	if at > detector.Never {
		return false, time.Time{}
	}
	return due, x.start.Add(time.Duration(at - 1))
}

// since returns a time of the log as the detector counts it: from the start of the registry.
func (x *replay) since(t time.Time) int64 { return int64(t.Sub(x.start)) }

// end returns the last moment of a silence at which the registry was not stalled.
func (r *Record) end() time.Time {
	if !r.StalledSince.IsZero() && r.StalledSince.Before(r.At) {
		return r.StalledSince
	}
	return r.At
}
