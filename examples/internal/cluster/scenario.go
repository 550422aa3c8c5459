package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// A scenario does something to the cluster and finds out what came of it.
type scenario struct {
	name string
	play func(*trial, *findings) result
	long bool // is played only when asked for
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

// usual are the scenarios that are played unless told which.
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

// choose finds scenarios by their names. They are played in their usual order,
// each once: some use up peers.
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

// play gives the verdict. If the run is over, that is the verdict.
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

// witness begins to watch over the bystanders of a scenario; the function that
// it returns judges what became of them.
func (t *trial) witness(f *findings, victim func(host string) bool) (judge func()) {
	from, before := len(t.journal.departures()), t.lives(victim)
	return func() {
		f.bystanders(t.journal.departures()[from:], victim, before, t.lives(victim), t.api.list(t.ctx))
	}
}

// lives are those that the living peers are in, as the scheduler's answer to
// their latest announce says.
func (t *trial) lives(except func(host string) bool) map[string]string {
	lives := map[string]string{}
	for _, p := range t.peers {
		if !except(p.id) {
			lives[p.id] = t.journal.lastAnnounce(p.id).Lease
		}
	}
	return lives
}

// take takes the first peer for a victim; it is one no longer.
func (t *trial) take() *proc {
	p := t.peers[0]
	t.peers = t.peers[1:]
	return p
}

// observe watches a host go, by the API: until it is not listed, and its peers
// are not found.
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
		return e.freed && len(t.journal.of(host)) > 0
	})
	e.departures = t.journal.of(host)
	return e
}

// status has the scheduler say what it holds. What it logged before has been
// read when this returns.
func (t *trial) status() line {
	n := t.journal.statusCount()
	t.scheduler.signal(sigStatus)
	var l line
	_ = t.until(10*time.Second, func() (ok bool) {
		l, ok = t.journal.statusAfter(n)
		return ok
	})
	return l
}

func (t *trial) terms(interval time.Duration, stalled bool) terms {
	return terms{interval: interval, patience: t.cfg.patience(interval), lag: t.cfg.Lag, stalled: stalled}
}

func only(host string) func(string) bool { return func(h string) bool { return h == host } }
