package hostweb

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// trend calls each for the samples that the registry took in the last 10 minutes. before is the
// sample before that. A registry that is younger begins with zeros. trend returns the first before
// and the last sample.
func (h *Handler[M]) trend(now time.Time, each func(before, s hostmgr.Stats, at time.Time)) (first, last hostmgr.Stats) {
	oldest := now.Add(-maxPoints * period)
	var before, next hostmgr.Stats
	var at time.Time
	known := !h.Registry.Stats().Began.Before(oldest)
	for t, s := range h.Registry.Trend() {
		switch {
		case at.IsZero(): // there is none yet
		case at.Before(oldest):
			first, before, known = next, next, true
		case !known:
			first, before, known = next, next, true
		default:
			each(before, next, at)
			before = next
		}
		at, next = t, s // the one of now is left out
	}
	return first, before
}

// past returns the points of the last 10 minutes, and the figures of the last one.
func (h *Handler[M]) past(now time.Time) (points []point, last hostmgr.Stats) {
	_, last = h.trend(now, func(before, s hostmgr.Stats, at time.Time) {
		points = append(points, pointOf(before, s, at))
	})
	return points, last
}

// recent returns what was counted in the last 10 minutes: counters cause an alert only if they rose
// recently.
func (h *Handler[M]) recent(s hostmgr.Stats, now time.Time) point {
	first, _ := h.trend(now, func(_, _ hostmgr.Stats, _ time.Time) {})
	return pointOf(first, s, now)
}

// history returns the points of the chart.
func (h *Handler[M]) history() []point {
	now := h.now()
	if points, _, _, ok := h.feed.shown(now); ok {
		return points
	}
	points, before := h.past(now)
	return append(points, pointOf(before, h.Registry.Stats(), now))
}
