package hostmgr

import "time"

// Heartbeat is a sign of life that carries nothing else. It takes no lock (but the
// first one of a host that was suspect) and allocates nothing. ErrUnknownHost asks the host to announce itself again;
// ErrStale tells a former incarnation that it is one. Incarnation 0 means the
// life that is there.
func (r *Registry[M]) Heartbeat(id string, incarnation uint64) (Lease, error) {
	return r.hear(id, incarnation, 0)
}

// Observe is a sign of life that someone else heard, age ago: it counts as if
// it had been heard here then, and an older one than is known changes nothing.
// A negative age counts as zero. The errors are those of Heartbeat.
func (r *Registry[M]) Observe(id string, incarnation uint64, age time.Duration) error {
	_, err := r.hear(id, incarnation, max(0, age))
	return err
}

// hear looks the host up, reads the clock and swaps its word. A life found over
// is either gone from the index by now, or replaced there: look again, until the
// index answers the same.
func (r *Registry[M]) hear(id string, incarnation uint64, age time.Duration) (Lease, error) {
	var over *life[M]
	for {
		l, ok := r.index.Load(id)
		if !ok || l == over {
			return Lease{}, ErrUnknownHost
		}
		if err := l.fence(incarnation); err != nil {
			return Lease{}, err
		}
		now := r.time.now()
		wasSuspect, there := l.word.beat(now - min(now, int64(age)))
		if wasSuspect {
			r.recover(l)
		}
		if there {
			return l.lease(), nil
		}
		over = l
	}
}

// recover is the one heartbeat in many that needs the lock: that of a suspect.
func (r *Registry[M]) recover(l *life[M]) {
	now := r.lock()
	defer r.unlock()
	if l.word.v.Load() >= 0 {
		r.reconsider(l, now)
	}
}

// fence keeps other incarnations out: the past is ErrStale, the future is not
// here yet.
func (l *life[M]) fence(incarnation uint64) error {
	switch {
	case incarnation == 0 || incarnation == l.incarnation:
		return nil
	case incarnation < l.incarnation:
		return ErrStale
	default:
		return ErrUnknownHost
	}
}

func (l *life[M]) lease() Lease {
	return Lease{Interval: l.terms.Load().interval, Incarnation: l.incarnation, Life: l.number}
}

// reconsider tells watchers of a suspect that was heard again. One that was
// heard, but too long ago, gets its bit back, so that the next beat asks again; if
// that beat comes right now, and finds no bit, the swap fails and we look again.
func (r *Registry[M]) reconsider(l *life[M], now int64) {
	for l.suspect {
		v := r.verdict(l, now)
		if v.state == Suspect || v.state == Offline {
			if l.word.suspect(v.word) {
				return
			}
			continue
		}
		l.suspect = false
		r.counts.Suspects--
		r.emit(Recovered, l, now)
		r.roster.hasten(l, v.next(false))
		r.plan(v.next(false))
	}
}
