package flight

import (
	"context"
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A trial is one silence before a registry of its own.
type trial struct {
	Record
	stalls []Record // that bear on it, in order
	now    time.Time
	sweeps int
	*hostmgr.Registry[struct{}]
}

// Now and After make it a clock, on which nobody waits.
func (t *trial) Now() time.Time                       { return t.now }
func (t *trial) After(time.Duration) <-chan time.Time { return nil }

// relevant are the stalls that were not over yet when a host was heard, and the one before
// them, if its grace may last: that is its limit and the interval, and patience is no less
// than the interval.
func relevant(stalls []Record, seen time.Time) []Record {
	i := len(stalls)
	for i > 0 && stalls[i-1].At.After(seen) {
		i--
	}
	if i > 0 && seen.Before(stalls[i-1].At.Add(stalls[i-1].Limit)) {
		i--
	}
	return stalls[i:]
}

// hold tells whether the host was due before the silence was over, and the deadline: of then,
// or the next.
func (t *trial) hold(p hostmgr.Policy) (due bool, deadline time.Time, err error) {
	due, deadline, err = t.live(p)
	if err == nil && t.Stats().PolicyFaults > 0 {
		err = errors.New("the policy panics, or its answer can't be meant")
	}
	return due, deadline, err
}

// live lives through the silence.
func (t *trial) live(p hostmgr.Policy) (due bool, deadline time.Time, err error) {
	cfg := hostmgr.Config[struct{}]{Policy: informed{p, t.Pulse}, Clock: t}
	t.now = t.Seen
	if len(t.stalls) > 0 {
		cfg.MaxGap = max(t.stalls[0].Limit, 10*time.Millisecond)
		if from := t.stalls[0].From; from.Before(t.now) {
			t.now = from
		}
	}
	if t.Registry, err = hostmgr.New(cfg); err != nil {
		return false, time.Time{}, err
	}
	for _, s := range t.stalls {
		if deadline, due, err = t.listen(s.From, cfg.MaxGap); due || err != nil {
			return due, deadline, err
		}
		if err = t.advance(s.At); err != nil {
			return false, time.Time{}, err
		}
		t.Sweep(context.Background())
	}
	end := t.At
	if !t.Deaf.IsZero() && t.Deaf.Before(end) {
		end = t.Deaf
	}
	if end.Before(t.now) {
		end = t.now
	}
	deadline, due, err = t.listen(end, cfg.MaxGap)
	return due, deadline, err
}

// listen lets time pass that was listened to, and tells whether the host is due before.
func (t *trial) listen(to time.Time, gap time.Duration) (deadline time.Time, due bool, err error) {
	for ; ; t.sweeps++ {
		if t.now.After(to) {
			return deadline, false, nil // the stall began before the host was heard
		}
		if err = t.announce(); err != nil {
			return deadline, false, err
		}
		if h, ok := t.Get(t.ID); ok {
			if deadline = h.EvictAt; !deadline.IsZero() && deadline.Before(to) {
				return deadline, true, nil
			}
		}
		switch next := t.now.Add(gap); {
		case gap == 0 || t.now.Equal(to):
			return deadline, false, nil
		case t.sweeps > maxSweeps:
			return deadline, false, errors.New("a stall within days of silence")
		default:
			if next.After(to) {
				next = to
			}
			if err = t.advance(next); err != nil {
				return deadline, false, err
			}
			t.Sweep(context.Background())
		}
	}
}

// advance moves the clock; the host announces itself on the way.
func (t *trial) advance(to time.Time) error {
	if t.Seen.After(t.now) && !t.Seen.After(to) {
		t.now = t.Seen
		if err := t.announce(); err != nil {
			return err
		}
	}
	t.now = to
	return nil
}

// announce lets the host announce itself, if it is time.
func (t *trial) announce() error {
	if !t.now.Equal(t.Seen) {
		return nil
	}
	_, err := t.Announce(hostmgr.Announcement[struct{}]{ID: t.ID, Interval: t.Pulse.Interval})
	return err
}

// informed is a policy that was told already.
type informed struct {
	hostmgr.Policy
	pulse hostmgr.Pulse
}

func (i informed) Patience(p hostmgr.Pulse) (suspect, evict time.Duration) {
	if l, ok := i.Policy.(interface{ Learns() bool }); ok && l.Learns() {
		p = i.pulse
	}
	return i.Policy.Patience(p)
}
