package sim

import (
	"context"
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// What a host is due for.
type action uint8

const (
	begin     action = iota // its first moment: the registry knows it from there
	back                    // the announce of a host that is back arrives
	heartbeat               // a heartbeat arrives, or an announce in its place
	again                   // an announce arrives, of a host whose heartbeat found it unknown
	resume                  // an announce arrives in the place of a heartbeat, after others that were passed over
	end                     // its last moment
)

// A host has one contact on its way at most, and is due when that arrives. An outage is no event: it is
// accounted for when the host is next due, or evicted.
//
// A contact belongs to a stretch: the time between two outages, whose number is that of the
// outages before it. A host that comes back is taken to have been restarted, so its
// incarnation is one more than that.
type host struct {
	sent      int64 // when its latest heartbeat was, or the announce that it came back with
	interval  int64 // until the next one
	down      int64 // when the stretch of the contact that is on its way ends
	since     int64 // it is registered, maybe by several registrations
	evictedAt int64 // never: it was not, or is back
	stretch   int32 // of the contact that is on its way
	outage    int32 // the first outage that is not accounted for
	what      action
	known     bool // it is registered
	detected  bool // it was evicted in that outage
	wasFalse  bool // its latest eviction was a False one
}

const never = int64(-1)

// fire handles the event that is due.
func (r *run) fire(i int32) error {
	h := &r.hosts[i]
	now := r.clock.now
	heartbeat := h.what == heartbeat && !r.cfg.Announce
	if !heartbeat { // which does not change whether the host is registered
		r.settle(i, now)
	}
	if h.what == end {
		return r.close(i)
	}
	r.figures.arrived(now, h.what == begin, r.cfg.together())
	if heartbeat {
		ack, err := r.registry.Heartbeat(r.nodes[i].Name, uint64(h.stretch)+1)
		if err != nil {
			return r.unheard(i, now, err)
		}
		h.interval = int64(ack.Interval)
	} else if err := r.announce(i, now); err != nil && !errors.Is(err, hostmgr.ErrStale) {
		return err
	}
	r.plan(i, now)
	return nil
}

// unheard is a heartbeat that the registry refuses. A host that it does not know announces itself at
// once, in addition to its heartbeats, which continue.
func (r *run) unheard(i int32, now int64, err error) error {
	unknown := errors.Is(err, hostmgr.ErrUnknownHost)
	if !unknown && !errors.Is(err, hostmgr.ErrStale) {
		return err
	}
	if unknown && now < r.hosts[i].down {
		if arrival, ok := r.net.send(r.first+i, now); ok && arrival < r.nodes[i].To {
			r.expect(i, again, arrival)
			return nil
		}
	}
	r.plan(i, now)
	return nil
}

// announce registers the host, and accounts for its return.
func (r *run) announce(i int32, now int64) error {
	h := &r.hosts[i]
	ack, err := r.registry.Announce(hostmgr.Announcement[int32]{
		ID: r.nodes[i].Name, Metadata: i, Interval: time.Duration(h.interval), Incarnation: uint64(h.stretch) + 1,
	})
	r.stirred = true
	if err != nil {
		return err
	}
	h.interval = int64(ack.Interval)
	if h.what == resume {
		return nil
	}
	if h.what == begin {
		h.sent += r.net.phase(r.first+i, h.interval) - h.interval
	}
	if h.evictedAt != never {
		r.figures.returned(now-h.evictedAt, h.wasFalse)
	}
	if !h.known {
		h.evictedAt, h.known, h.since = never, true, now
	}
	return nil
}

// close ends a host with the trace. It is not evicted any more.
func (r *run) close(i int32) error {
	h := &r.hosts[i]
	outages := r.nodes[i].Outages
	if int(h.outage) < len(outages) { // it lasts as long as the trace does
		r.account(i, false)
	}
	if !h.known {
		return nil
	}
	h.known = false
	err := r.registry.Forget(r.nodes[i].Name, 0)
	if errors.Is(err, hostmgr.ErrUnknownHost) { // its quiet stretch was passed over
		return nil
	}
	return err
}

// evicted is the registry's Cleanup.
func (r *run) evicted(_ context.Context, d hostmgr.Departure[int32]) error {
	if d.Kind != hostmgr.DepartureEvicted {
		return nil
	}
	i, now := d.Host.Metadata, r.clock.now
	r.settle(i, now)
	h, f := &r.hosts[i], &r.figures
	f.Evictions++
	down, up := r.around(i)
	h.wasFalse = now < down && up <= int64(d.Host.LastContact.Sub(r.clock.start))
	switch {
	case h.wasFalse:
		f.False++
		f.Needless++
	case now < down || h.detected:
		f.Late++
	default:
		f.detected(now - down)
		h.detected = true
	}
	f.staleFor(now - max(down, h.since))
	h.known, h.evictedAt = false, now
	return nil
}

// around says when the first outage begins that is not accounted for, and since when
// the host was up before it.
func (r *run) around(i int32) (down, up int64) {
	n, k := &r.nodes[i], int(r.hosts[i].outage)
	down, up = n.To, n.From
	if k < len(n.Outages) {
		down = n.Outages[k].Down
	}
	if k > 0 {
		up = n.Outages[k-1].Up
	}
	return down, up
}

// settle accounts for the outages that are over by now. Since it was last called for this host,
// the registry has had it all the time, or not at all.
func (r *run) settle(i int32, now int64) {
	h, n := &r.hosts[i], &r.nodes[i]
	for int(h.outage) < len(n.Outages) && n.Outages[h.outage].Up <= min(now, n.To-1) {
		r.account(i, true)
	}
}

// account accounts for the next outage, which ended with the host's return or with the trace.
func (r *run) account(i int32, back bool) {
	h, f := &r.hosts[i], &r.figures
	o := r.nodes[i].Outages[h.outage]
	if h.known {
		f.staleFor(o.Up - max(o.Down, h.since))
	}
	f.Outages++
	switch {
	case h.detected: // it is counted
	case !h.known:
		f.Unseen++
	case back:
		f.Missed++
	default:
		f.Open++
	}
	h.outage++
	h.detected = false
}
