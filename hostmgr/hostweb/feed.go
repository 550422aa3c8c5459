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
	settled       = 10 * time.Second // before that a viewer gives way to none
	maxPoints     = 600              // 10 minutes
	maxDepartures = 200
	period        = time.Second // from point to point
)

// A feed is the one state that all viewers see. None has a queue: each knows what it has seen, and
// takes what is newer of what there is then. So a slow one holds up nobody, and costs no memory.
type feed struct {
	mu         sync.Mutex    // guards all below; nothing is called or waited for with it
	viewers    []*place      // in the order in which they came
	run        *run          // that fills the feed; nil while nobody looks
	changed    chan struct{} // closed, and replaced, at each change
	stats      *stats
	ticks      uint64
	points     ring[point]
	departures ring[departure]
	missed     uint64 // events
}

// A run is from the first viewer to when the last one is gone. What one that is over still has to
// say is not listened to, so nobody need wait for it to end.
type run struct {
	ctx  context.Context
	stop context.CancelFunc
}

// A change is what a run has to say.
type change struct {
	departure *departure
	missed    uint64
	stats     *stats
	point     point // with stats
}

// An update is what a viewer has not seen yet.
type update struct {
	All        bool        `json:"all"` // this is everything there is
	Stats      *stats      `json:"stats,omitempty"`
	Points     []point     `json:"points"`
	Departures []departure `json:"departures"` // the latest last
	Missed     uint64      `json:"missed"`
}

// seen is where a viewer stands.
type seen struct {
	any                       bool
	ticks, points, departures uint64
}

// A place is what a viewer has until it leaves, or gives way to another one.
type place struct {
	since time.Time
	stop  context.CancelFunc // of its stream; does not wait
}

// join adds a viewer, unless there are too many, and starts a run if it is the first.
func (h *Handler[M]) join(stop context.CancelFunc) *place {
	place, run := h.feed.enter(h.now(), stop)
	if run != nil {
		go h.watch(run)
		before := h.Registry.Stats()
		h.tick(run, before, before)
		go h.count(run, before)
	}
	return place
}

// enter returns the run that the caller is to start, if it is the first. If there is no place left
// it takes that of the viewer that has been there for longest, unless that has come just now.
func (f *feed) enter(now time.Time, stop context.CancelFunc) (p *place, first *run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) == maxViewers {
		oldest := f.viewers[0]
		if age := now.Sub(oldest.since); age >= 0 && age < settled {
			return nil, nil
		}
		oldest.stop()
		f.viewers = slices.Delete(f.viewers, 0, 1)
	}
	p = &place{now, stop}
	f.viewers = append(f.viewers, p)
	if f.run != nil {
		return p, nil
	}
	ctx, end := context.WithCancel(context.Background())
	f.run, f.changed = &run{ctx, end}, make(chan struct{})
	return p, f.run
}

// leave ends the run with the last viewer. One that gave way has left already.
func (f *feed) leave(p *place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.viewers, p)
	if i < 0 {
		return
	}
	f.viewers = slices.Delete(f.viewers, i, i+1)
	if len(f.viewers) == 0 {
		f.run.stop()
		f.run, f.stats = nil, nil
	}
}

// watch tells of departures. The hosts of a snapshot go by unheeded.
func (h *Handler[M]) watch(run *run) {
	for e := range h.Registry.Watch(run.ctx) {
		switch e.Kind {
		case hostmgr.Left, hostmgr.Evicted, hostmgr.Replaced, hostmgr.Forgotten:
			d := h.departure(e)
			h.feed.add(run, change{departure: &d})
		case hostmgr.Missed:
			h.feed.add(run, change{missed: e.Missed})
		}
	}
}

// count adds a point each second.
func (h *Handler[M]) count(run *run, before hostmgr.Stats) {
	for {
		select {
		case <-run.ctx.Done():
			return
		case <-h.clock().After(period):
		}
		s := h.Registry.Stats()
		h.tick(run, before, s)
		before = s
	}
}

func (h *Handler[M]) tick(run *run, before, s hostmgr.Stats) {
	now := h.now()
	p := pointOf(before, s, now)
	h.feed.add(run, change{stats: h.show(s, now, p), point: p})
}

// add makes a change, unless the run is over.
func (f *feed) add(run *run, c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != run {
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

// news returns what a viewer has not seen, takes it for seen, and what is closed when there is more.
func (f *feed) news(v *seen, now time.Time) (u update, more <-chan struct{}) {
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

// latest leaves out the points that are too old for the chart: nobody was looking for a while.
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
