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

	// Set by remember, so that a trial need not walk along all stalls:
	before time.Duration // that all earlier stalls lasted: only differences mean something
	pause  time.Duration // since the stall before was over and its limit had passed again
	most   time.Duration // of the first of each block: no pause within the block is longer
}

// block is so many stalls. It divides maxStalls/2, so blocks remain blocks when older ones are forgotten.
const block = 64

// remember forgets the older half when there are too many, as a registry does.
func remember(stalls []stall, s stall) []stall {
	if len(stalls) == maxStalls {
		stalls = append(stalls[:0], stalls[maxStalls/2:]...)
	}
	n := len(stalls)
	if n > 0 {
		last := &stalls[n-1]
		s.before = last.before + last.to.Sub(last.from)
		s.pause = s.from.Sub(last.to) - last.limit
	}
	s.most = s.pause
	stalls = append(stalls, s)
	first := &stalls[n-n%block]
	first.most = max(first.most, s.pause)
	return stalls
}

// A trial judges one silence by the patience of a policy. It computes what the registry computes when
// it records a silence (ledger.due in package hostmgr), without playing any time: so nothing that
// happens between two stalls can be passed over, however long it is, and a line of a log costs little,
// however many stalls lie within the silence.
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
	first := sort.Search(len(t.stalls), func(i int) bool { return t.stalls[i].to.After(t.Seen) })
	if deadline = t.grace(first, t.unheard(first)); deadline.Before(end) {
		return true, deadline
	}
	// That deadline is the first that passes before a stall begins. As it is not before the end, no
	// later one is: what a stall adds puts no deadline to before the stall or the deadline of then.
	return false, t.grace(first, len(t.stalls))
}

// unheard is the first stall, from first on, that begins after the deadline that counts until then; or
// their number. A deadline without grace moves from stall to stall by at most the time that these begin
// apart, so once it lies before a stall it lies before all later ones, and so does one with all the
// grace that there may be. Both are searched for. In between, the deadline lies before a stall if the
// pause before that gave the host more than its interval; blocks without such a pause are passed over.
func (t *trial) unheard(first int) int {
	i, most := t.search(first, 0), t.search(first, t.evict)
	if i == 0 {
		return 0 // no stall before it gives grace
	}
	for i < most {
		switch s := &t.stalls[i]; {
		case i%block == 0 && s.most <= t.Pulse.Interval:
			i += block
		case s.pause > t.Pulse.Interval:
			return i
		default:
			i++
		}
	}
	return most
}

// search is the first stall, from first on, that begins after the deadline and so much grace; or their
// number.
func (t *trial) search(first int, grace time.Duration) int {
	return first + sort.Search(len(t.stalls)-first, func(i int) bool {
		return t.deadline(first, first+i).Add(grace).Before(t.stalls[first+i].from)
	})
}

// deadline is that after so many stalls, of which the first so many were over when the silence began,
// without grace.
func (t *trial) deadline(first, stalls int) time.Time {
	excused := time.Duration(0)
	if stalls > first {
		f, last := &t.stalls[first], &t.stalls[stalls-1]
		excused = last.before + last.to.Sub(last.from) - f.before - latest(f.from, t.Seen).Sub(f.from)
	}
	return t.Seen.Add(excused + t.evict)
}

// end is when the registry last listened in the silence.
func (t *trial) end() time.Time {
	if !t.Deaf.IsZero() && t.Deaf.Before(t.At) {
		return t.Deaf
	}
	return t.At
}

// grace is the deadline after so many stalls. The last of them gives the host its interval, and the
// limit that this stall exceeded, to be heard in; but no more than its patience.
func (t *trial) grace(first, stalls int) time.Time {
	deadline := t.deadline(first, stalls)
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
