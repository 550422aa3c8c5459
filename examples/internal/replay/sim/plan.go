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

// passOver skips a quiet stretch: it continues with one of the last heartbeats before the next
// outage. If no contact is lost and the policy needs no history (see calm), this changes no figure:
//
//   - A host's fate depends on its own contacts only, because there is no eviction limit and no
//     MaxHosts.
//   - In the stretch, two contacts are at most interval + delay + spread apart. That is less than
//     the policy's timeout, so no contact finds the host suspect or evicted.
//   - After a heartbeat the registry knows its time and the host's interval, as after an announce.
//     So the host is forgotten after its announce, which may have replaced another registration. It
//     announces itself again instead of a later heartbeat, and then all is as usual.
//
// A policy that needs history gets as many heartbeats as Config.Warm says. The result is not the
// same, but nearly, if the policy forgets old gaps. Suspicions within the stretch are not seen.
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
