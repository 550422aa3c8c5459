package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// A scenario does something to the cluster and checks the result.
type scenario struct {
	name string
	play func(*trial, *findings) result
	long bool // is played only on request
}

var scenarios = []scenario{
	{name: "normal_exit", play: (*trial).normalExit},
	{name: "abnormal_exit", play: (*trial).abnormalExit},
	{name: "jitter", play: (*trial).jitter},
	{name: "scheduler_frozen", play: (*trial).schedulerFrozen},
	{name: "mass_exit", play: (*trial).massExit},
	{name: "interruptions", play: (*trial).interruptions, long: true},
	{name: "partition", play: (*trial).partition, long: true},
	{name: "churn", play: (*trial).churn, long: true},
}

// usual returns the scenarios that are played by default.
func usual() []scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return s.long })
}

func names(ss []scenario) string {
	var names []string
	for _, s := range ss {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

// choose finds scenarios by their names. They are played in their usual order, each once, because some
// consume peers.
func choose(which string) (chosen []scenario, err error) {
	if which == "all" {
		return scenarios, nil
	}
	asked := map[string]bool{}
	for name := range strings.SplitSeq(which, ",") {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			return nil, cli.Usagef("-scenarios: there is no %q", name)
		}
		asked[name] = true
	}
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return !asked[s.name] }), nil
}

// play plays a scenario and gives the verdict. If the run is over, that is the verdict.
func (t *trial) play(s scenario) result {
	f := &findings{}
	var r result
	if !t.over() {
		t.timeline.event("scenario", s.name, "")
		r = s.play(t, f)
	}
	r.Name, r.OK = s.name, f.ok() && !t.over()
	if t.over() {
		r.Detail = "cut short: " + t.why()
		return r
	}
	verdict := "ok"
	if !r.OK {
		verdict = "FAILED"
	}
	t.timeline.event(verdict, s.name, "%s", r.Detail)
	return r
}

// witness records the state of the bystanders of a scenario. The returned function checks that it has not
// changed.
func (t *trial) witness(f *findings, victim func(host string) bool) (judge func()) {
	from, before := len(t.log.departures()), t.registrations(victim)
	return func() {
		f.bystanders(t.log.departures()[from:], victim, before, t.registrations(victim), t.api.list(t.ctx))
	}
}

// registrations returns the registrations of the running peers, from the scheduler's answers to their latest
// announces.
func (t *trial) registrations(except func(host string) bool) map[string]string {
	registrations := map[string]string{}
	for _, p := range t.peers {
		if !except(p.id) {
			registrations[p.id] = t.log.lastAnnounce(p.id).Registration
		}
	}
	return registrations
}

// take removes the first peer from the list, as the victim of a scenario.
func (t *trial) take() *proc {
	p := t.peers[0]
	t.peers = t.peers[1:]
	return p
}

// observe waits, by the API, until a host is not listed and its peers are not found.
func (t *trial) observe(host string, at time.Time, limit time.Duration) end {
	e := end{host: host, at: at}
	t.timeline.wait("for %s to go", host)
	_ = t.until(limit, func() bool {
		if listed := t.api.list(t.ctx); listed != nil && !listed[host] {
			e.gone = time.Now()
		}
		return !e.gone.IsZero()
	})
	_ = t.until(t.cfg.Lag, func() bool {
		e.freed = t.api.freed(t.ctx, host, replicas)
		return e.freed && len(t.log.of(host)) > 0
	})
	e.departures = t.log.of(host)
	return e
}

// status makes the scheduler log its status, and returns it. All earlier lines of the scheduler have been
// read when status returns.
func (t *trial) status() line {
	n := t.log.statusCount()
	t.scheduler.signal(sigStatus)
	var l line
	_ = t.until(10*time.Second, func() (ok bool) {
		l, ok = t.log.statusAfter(n)
		return ok
	})
	return l
}

func (t *trial) terms(interval time.Duration, stalled bool) terms {
	return terms{interval: interval, timeout: t.cfg.timeout(interval), lag: t.cfg.Lag, stalled: stalled}
}

func only(host string) func(string) bool { return func(h string) bool { return h == host } }
