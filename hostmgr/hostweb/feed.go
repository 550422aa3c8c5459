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

// fill replaces the points, unless the source has been stopped.
func (f *feed) fill(src *source, points []point) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.source != src {
		return
	}
	f.points = ring[point]{}
	for _, p := range points {
		f.points.push(p, maxPoints)
	}
}

// A source fills the feed from when the first viewer comes until the last one leaves. What it adds
// after that is ignored, so it need not be waited for.
type source struct {
	ctx  context.Context
	stop context.CancelFunc
}

// A change is what a source adds.
type change struct {
	departures []departure // the oldest first
	missed     uint64
	stats      *stats
	point      point // with stats
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

// join adds a viewer, and starts the source if it is the first. It returns nil if there are too
// many.
func (h *Handler[M]) join(stop context.CancelFunc) *viewer {
	v, first := h.feed.enter(h.now(), stop)
	if first != nil {
		go h.watch(first)
		before := h.begin(first)
		go h.sample(first, before)
	}
	return v
}

// begin fills the feed with the past. It returns the figures of the latest point.
func (h *Handler[M]) begin(src *source) (before hostmgr.Stats) {
	points, before := h.past(h.now())
	s := h.Registry.Stats()
	h.feed.fill(src, points)
	h.tick(src, before, s)
	return s
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

// leave removes a viewer, and stops the source after the last one. A replaced viewer is removed
// already.
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
		f.points, f.departures = ring[point]{}, ring[departure]{}
	}
}

// watch adds departures to the feed. When it begins, and after it has fallen behind, it gets the
// latest ones from the registry. Of these, some may come as events too.
func (h *Handler[M]) watch(src *source) {
	known := map[uint64]bool{} // registrations
	for e := range h.Registry.Watch(src.ctx, hostmgr.EventDeparted, hostmgr.EventMissed, hostmgr.EventSynced) {
		switch e.Kind {
		case hostmgr.EventDeparted:
			if !known[e.Host.Registration] {
				h.feed.add(src, change{departures: []departure{h.departure(e.Departure)}})
			}
		case hostmgr.EventMissed:
			h.feed.add(src, change{missed: e.Missed})
		case hostmgr.EventSynced:
			list := h.departures()
			slices.Reverse(list)
			clear(known)
			for _, d := range list {
				known[d.Registration] = true
			}
			h.feed.add(src, change{departures: list})
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
	h.feed.add(src, change{stats: h.statsOf(s, now), point: p})
}

// add makes a change, unless the source has been stopped.
func (f *feed) add(src *source, c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.source != src {
		return
	}
	for _, d := range c.departures {
		if !f.has(&d) {
			f.departures.push(d, maxDepartures)
		}
	}
	if c.stats != nil {
		f.points.push(c.point, maxPoints)
		f.stats, f.ticks = c.stats, f.ticks+1
	}
	f.missed += c.missed
	close(f.changed)
	f.changed = make(chan struct{})
}

// has reports whether a departure is there already. The caller holds mu.
func (f *feed) has(d *departure) bool {
	return slices.ContainsFunc(f.departures.items, func(o departure) bool { return o.Registration == d.Registration })
}

// updateFor returns what a viewer has not seen, and marks it as seen. more is closed at the next
// change.
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

// count returns the number of viewers.
func (f *feed) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.viewers)
}

// shown returns what the viewers see: the points, the departures, the oldest first, and how many
// events were missed. ok is false without viewers.
func (f *feed) shown(now time.Time) (points []point, departures []departure, missed uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return latest(f.points.since(0), now), f.departures.since(0), f.missed, f.source != nil
}
