// Package hostprom shows the figures of hostlife's registries and periodic tasks to Prometheus.
//
// A [Collector] is given to a Registerer of your own; the package has no globals, and nothing
// happens but when it is scraped. README.md lists the metrics. These hold of all of them:
//
//   - Times are in seconds, shares in 1; what counts up ends in _total, and starts from 0 with the
//     registry or the task that it is of.
//   - Labels are names of registries, GCs, tasks and zones, and words that are listed, never ids of
//     hosts: how many series there are, and what a scrape costs, doesn't depend on how many hosts
//     there are. A registry has at most 66 zones in one scrape.
//   - A distribution is a histogram of both kinds: a native one of schema 3, whose buckets are 9 %
//     wide, for servers that take those, and one with a few fixed buckets for all others.
package hostprom

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
)

// A Collector is a prometheus.Collector of registries and GCs. Give one Collector all that
// one Registerer is to show: a second one is refused, for its metrics have the same names.
//
// The maps must not change once it is registered. What is in them may be in use meanwhile, and
// scrapes may overlap: each takes a snapshot of its own, of one registry or task at a time.
type Collector struct {
	// Registries are the Stats methods of what is to be shown, by name; a name becomes the label
	// "registry".
	Registries map[string]func() hostmgr.Stats

	// GCs are those whose tasks are to be shown, by name; a name becomes the label "gc". Tasks
	// may come and go. Their IDs become the label "task", and should be UTF-8: two that
	// are the same once they are made so fail the scrape, as two such names do.
	GCs map[string]*gc.GC
}

var _ prometheus.Collector = (*Collector)(nil)

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- hostsDesc
	for _, f := range registryFigures {
		ch <- f.desc
	}
	for _, f := range taskFigures {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for name, stats := range c.Registries {
		s := stats()
		collectHosts(ch, &s, valid(name))
		collect(ch, registryFigures, &s, valid(name))
	}
	for name, g := range c.GCs {
		for _, id := range g.Tasks() {
			if s, ok := g.Stats(id); ok { // it may have been removed in between
				collect(ch, taskFigures, &s, valid(name), valid(id))
			}
		}
	}
}

// valid makes a name a label's value: Prometheus refuses a whole scrape for one that isn't UTF-8.
func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
