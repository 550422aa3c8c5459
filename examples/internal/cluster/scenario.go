package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// A scenario does something to the cluster and checks the result.
type scenario struct {
	name    string
	play    func(*trial, *findings) result
	long    bool // is played only on request
	several bool // needs several schedulers
	engine  bool // needs an engine that this run has started
}

var scenarios = []scenario{
	{name: "normal_exit", play: (*trial).normalExit},
	{name: "abnormal_exit", play: (*trial).abnormalExit},
	{name: "jitter", play: (*trial).jitter},
	{name: "scheduler_frozen", play: (*trial).schedulerFrozen},
	{name: "mass_exit", play: (*trial).massExit},
	{name: "scheduler_killed", play: (*trial).schedulerKilled, several: true},
	{name: "scheduler_stopped", play: (*trial).schedulerStopped, several: true},
	{name: "engine_down", play: (*trial).engineDown, several: true, engine: true},
	{name: "roaming", play: (*trial).roaming, several: true},
	{name: "interruptions", play: (*trial).interruptions, long: true},
	{name: "partition", play: (*trial).partition, long: true},
	{name: "churn", play: (*trial).churn, long: true},
}

// possible returns the scenarios that a configuration can play.
func (c Config) possible() []scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return s.several && c.Schedulers == 0 || s.engine && !c.startsEngine()
	})
}

// usual returns those that are played by default.
func usual(ss []scenario) []scenario {
	return slices.DeleteFunc(slices.Clone(ss), func(s scenario) bool { return s.long })
}

func names(ss []scenario) string {
	var names []string
	for _, s := range ss {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

// choose finds scenarios by their names. They are played in their usual order, each once, because some
// consume peers. An empty name means the usual ones.
func (c Config) choose(which string) (chosen []scenario, err error) {
	possible := c.possible()
	switch which {
	case "":
		return usual(possible), nil
	case "all":
		return possible, nil
	}
	asked := map[string]bool{}
	for name := range strings.SplitSeq(which, ",") {
		has := func(ss []scenario) bool {
			return slices.ContainsFunc(ss, func(s scenario) bool { return s.name == name })
		}
		switch {
		case !has(scenarios):
			return nil, cli.Usagef("-scenarios: there is no %q", name)
		case !has(possible):
			return nil, cli.Usagef("-scenarios: %s needs -schedulers, and an engine that this run starts if it is about the engine", name)
		}
		asked[name] = true
	}
	return slices.DeleteFunc(possible, func(s scenario) bool { return !asked[s.name] }), nil
}

// play plays a scenario and gives the verdict. A scenario is not played if the run is over before
// it, or a signal ends the run during it. If the run breaks during it, that is its failure.
func (t *trial) play(s scenario) (r result) {
	if t.over() {
		return notPlayed(s, t.why())
	}
	t.timeline.event("scenario", s.name, "")
	f, end := &findings{}, t.beginTally()
	r = s.play(t, f)
	if t.isShared() && !t.over() {
		r.tally = end(f)
	}
	switch {
	case t.failure() != nil:
		f = &findings{[]string{"cut short: " + t.why()}}
	case t.over():
		return notPlayed(s, "cut short: "+t.why())
	}
	return t.verdict(s, r, f)
}

func notPlayed(s scenario, why string) result {
	return result{Name: s.name, NotPlayed: true, Detail: oneLine(why)}
}

// verdict adds the verdict to the figures of a scenario, and tells it.
func (t *trial) verdict(s scenario, r result, f *findings) result {
	if !f.ok() {
		r.Detail = oneLine(f.detail(""))
	}
	r.Name, r.OK = s.name, f.ok()
	t.timeline.event(r.verdict(), s.name, "%s", r.Detail)
	return r
}

// oneLine makes a text fit into a row.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// witness records the state of the bystanders of a scenario. The returned function checks that it has not
// changed.
func (t *trial) witness(f *findings, victim func(host string) bool) (judge func()) {
	from, before := t.log.departedSoFar(), t.registrations(victim)
	return func() {
		f.bystanders(t.log.departures(from), victim, before, t.registrations(victim), t.list())
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
		if listed := t.list(); listed != nil {
			if _, ok := listed[host]; !ok {
				e.gone = time.Now()
			}
		}
		return !e.gone.IsZero()
	})
	_ = t.until(t.cfg.Lag, func() bool {
		e.freed = t.freed(host, replicas)
		ds := t.log.of(host)
		return e.freed && len(ds) > 0 && t.hasSeen(ds[0])
	})
	e.departures = t.log.of(host)
	return e
}

func (t *trial) terms(interval time.Duration, stalled bool) terms {
	ts := terms{interval: interval, timeout: t.cfg.timeout(interval), lag: t.cfg.Lag, stalled: stalled}
	if t.isShared() && stalled {
		ts.lag += 2 * lapse // the schedulers keep quiet for a lapse, and may stall again in it
	}
	return ts
}

// massTerms are for hosts of which very many die at once. Several schedulers need longer: each
// eviction is agreed upon.
func (t *trial) massTerms(stalled bool) terms {
	ts := t.terms(t.cfg.MassInterval, stalled)
	if t.isShared() {
		ts.lag = max(ts.lag, sharedMassLag)
	}
	return ts
}

func only(host string) func(string) bool { return func(h string) bool { return h == host } }
