package pacing

import "time"

// A ramp is an interval that shrinks to another one, by half of the time that passes. It never
// changes. As a function of time it does not depend on how often it is read or replaced by one that
// shrinks further.
type ramp struct {
	from, to time.Duration
	since    int64 // the time at from
}

func (r *ramp) at(now int64) time.Duration {
	return max(r.to, r.from-time.Duration(max(0, now-r.since)/2))
}

// toward returns the ramp that leads to another target from now on.
func (r *ramp) toward(target time.Duration, now int64) ramp {
	switch reached := r.at(now); {
	case target >= reached:
		return ramp{from: target, to: target}
	case reached == r.to: // begins to shrink now, however long it has been there
		return ramp{from: reached, to: target, since: now}
	default:
		return ramp{from: r.from, to: target, since: r.since}
	}
}
