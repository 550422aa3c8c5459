package flight

import (
	"errors"
	"sort"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A stall is a time in which the registry did not listen.
type stall struct {
	from, to time.Time
	limit    time.Duration // that it exceeded
}

// A trial judges one silence by the patience of a policy. It computes what the registry computes when
// it records a silence (ledger.due in package hostmgr), from stall to stall: no time is played, so
// nothing that happens between two stalls can be passed over, however long it is.
type trial struct {
	*Record
	stalls []stall       // of the registry, in order
	evict  time.Duration // the patience; 0: silence never evicts
}

// due tells whether the host was due before the silence was over, and its deadline: the first
// that passed unheard, or else the next one.
func (t *trial) due() (due bool, deadline time.Time) {
	if t.evict == 0 {
		return false, time.Time{}
	}
	end := t.end()
	i := sort.Search(len(t.stalls), func(i int) bool { return t.stalls[i].to.After(t.Seen) })
	for excused := time.Duration(0); ; i++ {
		deadline = t.grace(i, t.Seen.Add(excused+t.evict))
		if i == len(t.stalls) {
			return deadline.Before(end), deadline
		}
		s := &t.stalls[i]
		if deadline.Before(s.from) && deadline.Before(end) {
			return true, deadline
		}
		excused += s.to.Sub(latest(s.from, t.Seen))
	}
}

// end is when the registry last listened in the silence.
func (t *trial) end() time.Time {
	if !t.Deaf.IsZero() && t.Deaf.Before(t.At) {
		return t.Deaf
	}
	return t.At
}

// grace puts a deadline off that lies after so many stalls. The last of them gives the host its
// interval, and the limit that this stall exceeded, to be heard in; but no more than its patience.
func (t *trial) grace(stalls int, deadline time.Time) time.Time {
	if stalls == 0 {
		return deadline
	}
	s := &t.stalls[stalls-1]
	put := s.to.Add(t.Pulse.Interval + s.limit)
	if most := deadline.Add(t.evict); most.Before(put) {
		put = most
	}
	return latest(deadline, put)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// patience is how much silence a policy grants a host with this pulse. A registry is asked, for it
// fills in what a policy leaves out, and refuses answers that can't be meant.
func patience(p hostmgr.Policy, pulse hostmgr.Pulse) (time.Duration, error) {
	const id = "host"
	r, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: informed{p, pulse}, Clock: still{}})
	if err != nil {
		return 0, err
	}
	if _, err = r.Announce(hostmgr.Announcement[struct{}]{ID: id, Interval: pulse.Interval}); err != nil {
		return 0, err
	}
	h, ok := r.Get(id)
	switch {
	case !ok || r.Stats().PolicyFaults > 0:
		return 0, errors.New("the policy panics, or its answer can't be meant")
	case h.EvictAt.IsZero():
		return 0, nil
	}
	return h.EvictAt.Sub(h.LastSeen), nil
}

// still is a clock that stands.
type still struct{}

func (still) Now() time.Time                       { return time.Unix(0, 0).UTC() }
func (still) After(time.Duration) <-chan time.Time { return nil }

// informed is a policy that was told already.
type informed struct {
	hostmgr.Policy
	pulse hostmgr.Pulse
}

func learns(p hostmgr.Policy) bool {
	l, ok := p.(interface{ Learns() bool })
	return ok && l.Learns()
}

// tolerance is the longest gap between sweeps that evicts no host of this patience that is heard on
// time (terms.tolerance in package hostmgr).
func tolerance(evict, interval time.Duration, learns bool) time.Duration {
	left := evict - interval
	if learns {
		left = min(left, interval)
	}
	return max(5*time.Millisecond, left/2)
}

func (i informed) Patience(p hostmgr.Pulse) (suspect, evict time.Duration) {
	if learns(i.Policy) {
		p = i.pulse
	}
	return i.Policy.Patience(p)
}
