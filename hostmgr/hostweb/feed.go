package hostweb

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxViewers    = 64
	minStay       = 10 * time.Second // a viewer is not replaced before
	maxPoints     = 600              // 10 minutes
	maxDepartures = 200
	period        = time.Second // between two points
)

// A feed is the state that all viewers share. A viewer has no queue: it knows what it has seen, and
// reads what is newer. So a slow viewer delays no other one and costs no memory.
type feed struct {
	mu         sync.Mutex    // guards all below; not held while calling or waiting
	viewers    []*viewer     // the oldest first
	source     *source       // fills the feed; nil while there is no viewer
	changed    chan struct{} // closed and replaced at each change
	stats      *stats
	ticks      uint64
	points     ring[point]
	departures ring[departure]
	missed     uint64 // events
}

// A source fills the feed from when the first viewer comes until the last one leaves. What it adds after
// that is ignored, so it need not be waited for.
type source struct {
	ctx  context.Context
	stop context.CancelFunc
}

// A change is what a source adds.
type change struct {
	departure *departure
	missed    uint64
	stats     *stats
	point     point // with stats
}

// An update has what a viewer has not seen yet.
type update struct {
	All        bool        `json:"all"` // the update has everything, not only what is new
	Stats      *stats      `json:"stats,omitempty"`
	Points     []point     `json:"points"`
	Departures []departure `json:"departures"` // the latest last
	Missed     uint64      `json:"missed"`
}

// seen is what a viewer has seen.
type seen struct {
	any                       bool
	ticks, points, departures uint64
}

// A viewer is one stream of updates.
type viewer struct {
	since time.Time
	stop  context.CancelFunc // ends its stream; does not wait
}

// join adds a viewer, and starts the source if it is the first. It returns nil if there are too many.
func (h *Handler[M]) join(stop context.CancelFunc) *viewer {
	v, first := h.feed.enter(h.now(), stop)
	if first != nil {
		go h.watch(first)
		before := h.Registry.Stats()
		h.tick(first, before, before)
		go h.sample(first, before)
	}
	return v
}

// enter adds a viewer. It returns the source too if the caller must start it. If there are too many
// viewers the new one replaces the oldest, unless that is newer than minStay.
func (f *feed) enter(now time.Time, stop context.CancelFunc) (v *viewer, first *source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) == maxViewers {
		oldest := f.viewers[0]
		if age := now.Sub(oldest.since); age >= 0 && age < minStay {
			return nil, nil
		}
		oldest.stop()
		f.viewers = slices.Delete(f.viewers, 0, 1)
	}
	v = &viewer{now, stop}
	f.viewers = append(f.viewers, v)
	if f.source != nil {
		return v, nil
	}
	ctx, end := context.WithCancel(context.Background())
	f.source, f.changed = &source{ctx, end}, make(chan struct{})
	return v, f.source
}

// leave removes a viewer, and stops the source after the last one. A replaced viewer is removed already.
func (f *feed) leave(v *viewer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.viewers, v)
	if i < 0 {
		return
	}
	f.viewers = slices.Delete(f.viewers, i, i+1)
	if len(f.viewers) == 0 {
		f.source.stop()
		f.source, f.stats = nil, nil
	}
}

// watch adds departures to the feed. It ignores the hosts of snapshots.
func (h *Handler[M]) watch(src *source) {
	for e := range h.Registry.Watch(src.ctx) {
		switch e.Kind {
		case hostmgr.EventDeparted:
			d := h.departure(e.Seq, e.Departure)
			h.feed.add(src, change{departure: &d})
		case hostmgr.EventMissed:
			h.feed.add(src, change{missed: e.Missed})
		}
	}
}

// sample adds a point each second.
func (h *Handler[M]) sample(src *source, before hostmgr.Stats) {
	for {
		select {
		case <-src.ctx.Done():
			return
		case <-h.clock().After(period):
		}
		s := h.Registry.Stats()
		h.tick(src, before, s)
		before = s
	}
}

func (h *Handler[M]) tick(src *source, before, s hostmgr.Stats) {
	now := h.now()
	p := pointOf(before, s, now)
	h.feed.add(src, change{stats: h.statsOf(s, now, p), point: p})
}

// add makes a change, unless the source has been stopped.
func (f *feed) add(src *source, c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.source != src {
		return
	}
	if c.departure != nil {
		f.departures.push(*c.departure, maxDepartures)
	}
	if c.stats != nil {
		f.points.push(c.point, maxPoints)
		f.stats, f.ticks = c.stats, f.ticks+1
	}
	f.missed += c.missed
	close(f.changed)
	f.changed = make(chan struct{})
}

// updateFor returns what a viewer has not seen, and marks it as seen. more is closed at the next change.
func (f *feed) updateFor(v *seen, now time.Time) (u update, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u = update{
		All: !v.any, Points: latest(f.points.since(v.points), now),
		Departures: f.departures.since(v.departures), Missed: f.missed,
	}
	if v.ticks != f.ticks {
		u.Stats = f.stats
	}
	*v = seen{true, f.ticks, f.points.next, f.departures.next}
	return u, f.changed
}

// latest leaves out points that are too old for the chart: for a while there was no viewer.
func latest(points []point, now time.Time) []point {
	oldest := now.Add(-maxPoints * period)
	for len(points) > 0 && time.Time(points[0].At).Before(oldest) {
		points = points[1:]
	}
	return points
}

func (f *feed) history(now time.Time) []point {
	f.mu.Lock()
	defer f.mu.Unlock()
	return latest(f.points.since(0), now)
}

// departed returns the departures, the latest first.
func (f *feed) departed() (list []departure, missed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list = f.departures.since(0)
	slices.Reverse(list)
	return list, f.missed
}

// recent sums up the history.
func (f *feed) recent(now time.Time) (sum point, viewers int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range latest(f.points.since(0), now) {
		sum.add(p)
	}
	return sum, len(f.viewers)
}
