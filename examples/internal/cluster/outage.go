package cluster

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// An outage keeps a living peer from being heard for a while.
type outage struct {
	name       string // what is done to the peer, for the timeline
	length     time.Duration
	phase      time.Duration // from a beat to the begin, at most
	p          *proc
	begin, end func() error

	// What was seen of it.
	err        error
	last       line      // the peer's last announce before
	over       time.Time // before this it could not be heard
	again      line      // its first announce after
	missing    time.Time // when ListHosts first lacked it; zero: never
	departures []line
	registered bool // StatPeer finds all of its peers, afterwards
}

// certain is the length of an outage that nobody survives, whenever it begins, and
// even if the scheduler is stalled for a moment meanwhile.
func (t *trial) certain() time.Duration {
	terms := t.terms(t.cfg.Interval, true)
	return terms.patience + terms.lag + terms.grace(0)
}

// ordeal has each recruit suffer its outage, judges what became of them and of the others,
// and dismisses them.
func (t *trial) ordeal(f *findings, ps []*proc, of func(i int) *outage) result {
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

// suffer has all outages happen at the same time, and watches the API meanwhile.
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
		o.missing, o.departures = seen[o.p.id], t.journal.of(o.p.id)
		o.registered = t.until(t.cfg.Interval, func() bool { return t.api.registered(t.ctx, o.p.id, replicas) }) == nil
	}
}

// sufferOne begins in the phase after a beat, when no announce is under way: one
// of which the peer is told only after the outage would be taken for one after it.
func (t *trial) sufferOne(o *outage) {
	if _, ok := t.nextAnnounce(o.p, time.Now(), 2*t.cfg.Interval); !ok {
		return
	}
	t.pause(rand.N(o.phase + 1))
	if o.err = o.begin(); o.err != nil || t.over() {
		return
	}
	t.timeline.event(o.name, o.p.id, "for %s, patience is %s", short(o.length), short(t.cfg.patience(t.cfg.Interval)))
	t.pause(o.length)
	o.last, o.over = t.journal.lastAnnounce(o.p.id), time.Now()
	if o.err = o.end(); o.err != nil || t.over() {
		return
	}
	t.timeline.event("is back", o.p.id, "")
	if again, ok := t.nextAnnounce(o.p, o.over, 2*t.cfg.Interval); ok {
		o.again = again
	}
}

// watchAll asks for the list of hosts over and over. The function that it
// returns stops that, and returns when each host was first lacking that had
// been there.
func (t *trial) watchAll() (stop func() (missing map[string]time.Time)) {
	missing, there := map[string]time.Time{}, map[string]bool{}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = t.until(time.Hour, func() bool {
			noteMissing(t.api.list(t.ctx), there, missing)
			return closed(end)
		})
	})
	return func() map[string]time.Time {
		close(end)
		wg.Wait()
		return missing
	}
}

// noteMissing compares a list with all those before. No list at all says nothing.
func noteMissing(listed, there map[string]bool, missing map[string]time.Time) {
	if listed == nil {
		return
	}
	for host := range there {
		if _, ok := missing[host]; !ok && !listed[host] {
			missing[host] = time.Now()
		}
	}
	for host := range listed {
		there[host] = true
	}
}

// silence is how long the host was not heard, at least and at most. What it
// announces it logs when it has the answer, and an attempt may take a quarter of
// the interval: so it may have been heard that much before it says.
func (o *outage) silence(interval time.Duration) (least, most time.Duration) {
	return o.over.Sub(o.last.Time), o.again.Time.Sub(o.last.Time) + interval/4
}

// outage judges what became of a peer: what had to, wherever patience and the
// silence leave no doubt, and else what the evidence in the log is right about.
// It says whether the peer was evicted, and in any case it must be back in time.
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
	f.check(o.registered, "peers of %s are not there after %s", o.p.id, o.name)
	if len(o.departures) == 0 {
		f.survived(o, t)
		return false
	}
	f.returned(o, t)
	return true
}

func (f *findings) survived(o *outage, t terms) {
	least, _ := o.silence(t.interval)
	f.check(least <= t.patience+t.lag+t.grace(0), "%s is still there after %s of silence", o.p.id, short(least))
	f.check(o.again.Lease == o.last.Lease, "%s is in life %s, was in %s", o.p.id, o.again.Lease, o.last.Lease)
	f.check(o.missing.IsZero(), "%s was not listed for a while", o.p.id)
}

// returned judges one that was evicted, and joined anew.
func (f *findings) returned(o *outage, t terms) {
	_, most := o.silence(t.interval)
	f.check(most >= t.patience, "%s was evicted after %s of silence at most", o.p.id, short(most))
	f.check(len(o.departures) == 1, "%s departed %d times", o.p.id, len(o.departures))
	d := o.departures[0]
	f.check(d.Kind == "evicted", "%s %s", o.p.id, d.Kind)
	f.check(d.Freed == replicas, "%d of %d peers of %s freed", d.Freed, replicas, o.p.id)
	f.check(d.LastSeen.Before(o.last.Time.Add(slop)) && d.LastSeen.After(o.last.Time.Add(-t.interval/4-slop)),
		"%s was last heard %s before it was answered", o.p.id, short(o.last.Time.Sub(d.LastSeen)))
	due := f.onTime(d, t)
	f.check(o.missing.IsZero() || !o.missing.Before(due.Add(-slop)), "%s was not listed %s before its deadline", o.p.id, short(due.Sub(o.missing)))
	f.check(o.again.Lease != o.last.Lease, "%s was evicted, but is still in life %s", o.p.id, o.again.Lease)
}

// outages judges all of them, and sums up.
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
	f.check(len(gone) > 0, "nobody was evicted: this proves nothing")
	if len(gone) == 0 {
		return result{Detail: f.detail("")}
	}
	detect, lag := slowest(gone)
	return result{Detect: ms(detect), Lag: ms(lag), Detail: f.detail(
		"%d of %d survived, up to %s of silence; %d evicted, none before its deadline and all within %s of it, each back in a new life",
		len(outages)-len(gone), len(outages), short(longest), len(gone), short(lag))}
}

// slowest is the longest detection and the longest lag.
func slowest(ds []line) (detect, lag time.Duration) {
	var detects, lags []time.Duration
	for _, d := range ds {
		detects, lags = append(detects, d.At.Sub(d.LastSeen)), append(lags, d.Cleaned.Sub(d.Deadline))
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
