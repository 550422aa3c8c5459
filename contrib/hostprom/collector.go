// Package hostprom exposes the figures of hostlife's registries, of members of shared registries,
// and of periodic tasks to Prometheus.
//
// Register a [Collector] with a Registerer of your own. It is safe for concurrent use. The package
// has no globals, starts no goroutine and does nothing between scrapes. It does not serve HTTP and
// keeps no history. README.md lists the metrics. For all of them:
//
//   - Durations are in seconds; a share of 1 is the whole. The names of counters end in _total. A
//     counter starts from 0 with its registry or task, and that of a zone also when the zone comes
//     back after it was forgotten.
//   - Labels are the names of registries, GCs, tasks and zones, versions, and a few listed words,
//     never ids of hosts or members. So neither the number of series nor the cost of a scrape depends
//     on the number of hosts. A registry has at most 66 zones in one scrape.
//   - Each replica of a shared registry counts all hosts, joins and departures. A sum over the
//     replicas is too high by their number: README.md has the right queries.
//   - A distribution is exposed as both kinds of histogram: a native one of schema 3, with buckets
//     that are 9 % wide, and a classic one with a few fixed buckets.
package hostprom

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A Collector is a prometheus.Collector of registries, members and GCs. Use one Collector for each
// Registerer. A Registerer refuses a second Collector, because its metrics have the same names.
//
// The maps must not change after registration. Registries and GCs may be in use during a scrape,
// and scrapes may overlap. Each scrape takes its own snapshot of one registry or task at a time.
type Collector struct {
	// Registries are Stats methods by the name of the registry, which becomes the label "registry".
	// Stats waits for no callback of its registry. A function of your own must not block: a scrape
	// calls one after the other, and waits for each.
	Registries map[string]func() hostmgr.Stats

	// Members are Stats methods of the Members that share registries, by the name of the registry,
	// which becomes the label "registry".
	Members map[string]func() share.Stats

	// GCs are GCs by name, which becomes the label "gc". The IDs of their tasks become the label
	// "task". Tasks may be added and removed at any time. Names and IDs should be UTF-8. Invalid
	// bytes are replaced, and a scrape fails if this makes two names or IDs equal.
	GCs map[string]*gc.GC
}

var _ prometheus.Collector = (*Collector)(nil)

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- buildDesc
	for _, f := range registryFigures {
		ch <- f.desc
	}
	for _, f := range zoneFigures {
		ch <- f.desc
	}
	for _, f := range memberFigures {
		ch <- f.desc
	}
	for _, f := range taskFigures {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- build()
	for name, stats := range c.Registries {
		s := stats()
		collect(ch, registryFigures, &s, valid(name))
		collectZones(ch, &s, valid(name))
	}
	for name, stats := range c.Members {
		s := stats()
		collect(ch, memberFigures, &s, valid(name))
	}
	for name, g := range c.GCs {
		for _, id := range g.Tasks() {
			if s, ok := g.Stats(id); ok { // else it was removed in between
				collect(ch, taskFigures, &s, valid(name), valid(id))
			}
		}
	}
}

// valid returns a name as UTF-8: Prometheus refuses a whole scrape for a label value that is not.
func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
