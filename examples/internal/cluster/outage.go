package cluster

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// An outage makes a running peer unreachable for a while.
type outage struct {
	name       string // what is done to the peer, for the timeline
	length     time.Duration
	phase      time.Duration // from an announce to the begin, at most
	p          *proc
	begin, end func() error

	// What was observed.
	err        error
	last       line      // the peer's last announce before
	over       time.Time // it could not be heard before
	again      line      // its first announce after
	missing    time.Time // when ListHosts first lacked it; zero: never
	departures []line
	registered bool // StatPeer finds all of its peers, afterwards
}

// certain is the length of an outage that no peer survives, whenever it begins, even if the scheduler
// stalls for a moment meanwhile.
func (t *trial) certain() time.Duration {
	terms := t.terms(t.cfg.Interval, true)
	return terms.timeout + terms.lag + terms.grace(0)
}

// playOutages makes each recruit suffer its outage, checks the recruits and the bystanders, and dismisses
// the recruits.
func (t *trial) playOutages(f *findings, ps []*proc, of func(i int) *outage) result {
	judge := t.witness(f, recruited(ps))
	stalls := t.status().Stalls
	outages := make([]*outage, len(ps))
	for i := range ps {
		outages[i] = of(i)
	}
	t.suffer(outages)
	terms := t.terms(t.cfg.Interval, t.status().Stalls > stalls)
	if t.over() {
		return result{}
	}
	judge()
	r := t.outages(f, outages, terms)
	t.dismiss(f, ps)
	return r
}

// suffer plays all outages at the same time, and watches the API meanwhile.
func (t *trial) suffer(outages []*outage) {
	missing := t.watchAll()
	t.timeline.wait("for %d outages to end", len(outages))
	var wg sync.WaitGroup
	for _, o := range outages {
		wg.Go(func() { t.sufferOne(o) })
	}
	wg.Wait()
	_ = t.status() // what was logged until now has been read
	seen := missing()
	for _, o := range outages {
		o.missing, o.departures = seen[o.p.id], t.log.of(o.p.id)
		o.registered = t.until(t.cfg.Interval, func() bool { return t.registered(o.p.id, replicas) }) == nil
	}
}

// sufferOne begins in the phase after an announce, when none is in flight: an announce that is answered
// only after the outage would look like one after it.
func (t *trial) sufferOne(o *outage) {
	if _, ok := t.nextAnnounce(o.p, time.Now(), 2*t.cfg.Interval); !ok {
		return
	}
	t.pause(rand.N(o.phase + 1))
	if o.err = o.begin(); o.err != nil || t.over() {
		return
	}
	t.timeline.event(o.name, o.p.id, "for %s, timeout is %s", short(o.length), short(t.cfg.timeout(t.cfg.Interval)))
	t.pause(o.length)
	o.last, o.over = t.log.lastAnnounce(o.p.id), time.Now()
	if o.err = o.end(); o.err != nil || t.over() {
		return
	}
	t.timeline.event("is back", o.p.id, "")
	if again, ok := t.nextAnnounce(o.p, o.over, 2*t.cfg.Interval); ok {
		o.again = again
	}
}

// watchAll polls the list of hosts, not so often that the peers would lack a core. The returned
// function stops that, and returns when each host that had been listed was first missing.
func (t *trial) watchAll() (stop func() (missing map[string]time.Time)) {
	missing, there := map[string]time.Time{}, map[string]bool{}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = poll(t.ctx, 25*time.Millisecond, time.Hour, func() bool {
			noteMissing(t.list(), there, missing)
			return closed(end)
		})
	})
	return func() map[string]time.Time {
		close(end)
		wg.Wait()
		return missing
	}
}

// noteMissing compares a list with the earlier ones. It ignores a nil list.
func noteMissing(listed, there map[string]bool, missing map[string]time.Time) {
	if listed == nil {
		return
	}
	for host := range there {
		if _, ok := missing[host]; !ok && !listed[host] {
			missing[host] = time.Now()
		}
	}
	for host, byAll := range listed {
		there[host] = there[host] || byAll
	}
}

// silence returns how long the host was not heard, at least and at most. A peer logs an announce when it
// has the answer, and an attempt may take a quarter of the interval. So it may have been heard that much
// earlier.
func (o *outage) silence(interval time.Duration) (least, most time.Duration) {
	return o.over.Sub(o.last.Time), o.again.Time.Sub(o.last.Time) + interval/4
}

// outage checks a peer after its outage, and returns whether it was evicted. Where timeout and silence
// decide, that must be right; otherwise the result must match the evidence in the log. In any case the peer
// must be back in time.
func (f *findings) outage(o *outage, t terms) (evicted bool) {
	f.check(o.err == nil, "%s of %s: %v", o.name, o.p.id, o.err)
	f.check(!o.again.Time.IsZero(), "%s does not announce any more after %s", o.p.id, o.name)
	if o.err != nil || o.again.Time.IsZero() {
		return false
	}
	due := o.last.Time.Add(t.interval)
	if due.Before(o.over) {
		due = o.over
	}
	f.check(o.again.Time.Sub(due) <= t.interval+t.lag, "%s announced only %s after it could again", o.p.id, short(o.again.Time.Sub(due)))
	f.check(o.registered, "peers of %s are not registered after %s", o.p.id, o.name)
	if len(o.departures) == 0 {
		f.survived(o, t)
		return false
	}
	f.returned(o, t)
	return true
}

func (f *findings) survived(o *outage, t terms) {
	least, _ := o.silence(t.interval)
	f.check(least <= t.timeout+t.lag+t.grace(0), "%s was not evicted after %s of silence", o.p.id, short(least))
	f.check(o.again.Registration == o.last.Registration, "%s is in registration %s, was in %s", o.p.id, o.again.Registration, o.last.Registration)
	f.check(o.missing.IsZero(), "%s was not listed for a while", o.p.id)
}

// returned checks a peer that was evicted, and joined again.
func (f *findings) returned(o *outage, t terms) {
	_, most := o.silence(t.interval)
	f.check(most >= t.timeout, "%s was evicted after %s of silence at most", o.p.id, short(most))
	f.check(len(o.departures) == 1, "%s departed %d times", o.p.id, len(o.departures))
	d := o.departures[0]
	f.check(d.Kind == "evicted", "%s %s", o.p.id, d.Kind)
	f.check(d.Freed == replicas, "%d of %d peers of %s freed", d.Freed, replicas, o.p.id)
	f.check(d.LastContact.Before(o.last.Time.Add(slop)) && d.LastContact.After(o.last.Time.Add(-t.interval/4-slop)),
		"%s was last heard %s before it was answered", o.p.id, short(o.last.Time.Sub(d.LastContact)))
	due := f.onTime(d, t)
	f.check(o.missing.IsZero() || !o.missing.Before(due.Add(-slop)), "%s was not listed %s before its deadline", o.p.id, short(due.Sub(o.missing)))
	f.check(o.again.Registration != o.last.Registration, "%s was evicted, but is still in registration %s", o.p.id, o.again.Registration)
}

// outages checks all outages, and sums up.
func (t *trial) outages(f *findings, outages []*outage, terms terms) result {
	var gone []line
	var longest time.Duration
	for _, o := range outages {
		if f.outage(o, terms) {
			gone = append(gone, o.departures[0])
		} else {
			longest = max(longest, o.again.Time.Sub(o.last.Time))
		}
	}
	f.check(longest > terms.interval, "no survivor was overdue: this proves nothing")
	f.check(len(gone) > 0, "no peer was evicted: this proves nothing")
	if len(gone) == 0 {
		return result{Detail: f.detail("")}
	}
	detect, lag := slowest(gone)
	return result{Detect: ms(detect), Lag: ms(lag), Detail: f.detail(
		"%d of %d survived, up to %s of silence; %d evicted, none before its deadline and all within %s of it, each back in a new registration",
		len(outages)-len(gone), len(outages), short(longest), len(gone), short(lag))}
}

// slowest returns the longest detection and the longest lag.
func slowest(ds []line) (detect, lag time.Duration) {
	var detects, lags []time.Duration
	for _, d := range ds {
		detects, lags = append(detects, d.At.Sub(d.LastContact)), append(lags, d.Cleaned.Sub(d.Deadline))
	}
	return slices.Max(detects), slices.Max(lags)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
