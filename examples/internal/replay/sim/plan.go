package sim

// plan puts the next contact of a host on its way, one that is not lost, or has it end. Contacts
// of a host do not overtake each other.
func (r *run) plan(i int32, now int64) {
	h, n := &r.hosts[i], &r.nodes[i]
	if h.what != heartbeat && r.skips && r.passOver(i) {
		return
	}
	for at := h.sent + h.interval; ; at += h.interval {
		what := heartbeat
		if at >= h.down {
			if at = r.nextStretch(i); at < 0 {
				break
			}
			what = back
		}
		h.sent = at
		if arrival, ok := r.net.send(r.first+i, at); ok {
			if max(now, arrival) >= n.To {
				break
			}
			r.expect(i, what, max(now, arrival))
			return
		}
	}
	r.expect(i, end, n.To)
}

// nextStretch moves the host past its next outage, and says when it comes back; or that it does
// not, with the trace's end.
func (r *run) nextStretch(i int32) (at int64) {
	h, n := &r.hosts[i], &r.nodes[i]
	if int(h.stretch) == len(n.Outages) || n.Outages[h.stretch].Up >= n.To {
		return never
	}
	at = n.Outages[h.stretch].Up
	h.stretch++
	h.interval, h.down = int64(r.cfg.Interval), n.To
	if int(h.stretch) < len(n.Outages) {
		h.down = n.Outages[h.stretch].Down
	}
	return at
}

// expect sets the next event of a host.
func (r *run) expect(i int32, what action, due int64) {
	r.hosts[i].what = what
	r.agenda.add(i, due)
}

// passOver passes over a quiet stretch: it goes on with one of the last heartbeats before the next
// outage. Where nothing is lost and the policy has no memory (see calm) this changes no figure.
// A host's fate depends on its own contacts alone, since there is no eviction limit and no MaxHosts. In the stretch
// they come no further apart than the interval, the delay and the spread together, less than the policy's
// timeout: so none of them finds the host suspect, or gone. What the registry knows of a host after a heartbeat is
// when that was, and its interval: the same as if the host had just announced itself. So it is
// forgotten after its announce, which may have replaced another registration, and announces itself in the place
// of a heartbeat from which on all is as usual.
//
// A policy that learns is given so many heartbeats as Config.Warm says to learn from. That is not the same,
// but nearly, if it forgets; what it suspected in the stretch is not seen.
func (r *run) passOver(i int32) bool {
	h := &r.hosts[i]
	heartbeats := (h.down - r.net.delay - r.net.spread - 1 - h.sent) / h.interval
	if r.cfg.needsHistory() {
		heartbeats -= int64(r.cfg.Warm)
	}
	if heartbeats < 3 || !h.known {
		return false
	}
	at := h.sent + heartbeats*h.interval
	arrival, _ := r.net.send(r.first+i, at)
	if r.registry.Forget(r.nodes[i].Name, uint64(h.stretch)+1) != nil {
		return false
	}
	h.sent = at
	r.figures.Contacts += heartbeats - 1
	r.figures.Quiet += heartbeats - 1
	r.expect(i, resume, arrival)
	return true
}
