// Package shown measures the cost of observation: heartbeats with a scraper of metrics and
// with viewers of the live page, and the processor time of a scrape.
package shown

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/hostmgr"
)

const (
	interval = time.Hour // of a host
	zones    = 64
)

// A trial is a registry under Run that is looked at in one way after the other.
type trial struct {
	ctx   context.Context
	log   io.Writer
	hosts *hostmgr.Registry[int]
	ids   []string // in random order; the registry stores copies
	next  int
}

// A way is one to look at a registry. It looks until stop is called.
type way struct {
	name string
	look func(*hostmgr.Registry[int]) (stop func(), err error)
}

// unobserved is what the others are compared with.
var unobserved = way{"unobserved", func(*hostmgr.Registry[int]) (func(), error) { return func() {}, nil }}

// A comparison has hosts heartbeat for a slice in each way, in turns.
type comparison struct {
	ways   []way
	rounds int
	slice  time.Duration
}

// A viewer asks every second, so its slices are longer. What costs most is that the page looks
// at all hosts when it is opened.
var comparisons = []comparison{
	{[]way{{"metrics, 2 scrapes a second", scraper}, {"page, no viewer", unwatched}}, 41, 500 * time.Millisecond},
	{[]way{{"page, the first 3 s of a viewer", viewer}}, 7, 3 * time.Second},
}

// A Length says how long a comparison takes. The zero value is that of each comparison.
type Length struct {
	Rounds int
	Slice  time.Duration
}

// Measure has one goroutine heartbeat random hosts of n, with and without observers.
func (l Length) Measure(ctx context.Context, n int, log io.Writer) (rows []report.Row, err error) {
	t, err := newTrial(ctx, n, log)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- t.hosts.Run(running) }()
	for _, c := range comparisons {
		c.rounds, c.slice = cmp.Or(l.Rounds, c.rounds), cmp.Or(l.Slice, c.slice)
		if err == nil {
			var more []report.Row
			more, err = t.compare(c)
			rows = append(rows, more...)
		}
	}
	stop()
	if ended := <-done; err == nil {
		err = ended
	}
	if err != nil {
		return nil, err
	}
	cost, err := t.scrapes()
	return append(rows, cost...), err
}

func newTrial(ctx context.Context, n int, log io.Writer) (*trial, error) {
	hosts, err := hostmgr.New(hostmgr.Config[int]{})
	if err != nil {
		return nil, err
	}
	t := &trial{ctx: ctx, log: log, hosts: hosts, ids: make([]string, n)}
	for i := range t.ids {
		t.ids[i] = fmt.Sprintf("%016x%016x%016x%016x", rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64())
		a := hostmgr.Announcement[int]{ID: t.ids[i], Interval: interval, Zone: strconv.Itoa(i % zones)}
		if _, err := hosts.Announce(a); err != nil {
			return nil, err
		}
	}
	rand.Shuffle(n, func(i, j int) { t.ids[i], t.ids[j] = t.ids[j], t.ids[i] })
	return t, nil
}

// compare measures a heartbeat in each way as a share of one in the same round that nothing
// looked at, and takes the medians: a machine that others slow down does so for both.
func (t *trial) compare(c comparison) (rows []report.Row, err error) {
	ways := append(slices.Clone(c.ways), unobserved)
	shares := make([][]float64, len(c.ways))
	for round := range c.rounds {
		ns := make([]float64, len(ways))
		for k := range ns {
			k = (k + round) % len(ns)
			w := ways[k]
			if ns[k], err = t.heartbeat(w, c.slice); err != nil {
				return nil, fmt.Errorf("shown: %s: %w", w.name, err)
			}
		}
		for k := range c.ways {
			shares[k] = append(shares[k], ns[k]/ns[len(c.ways)])
		}
	}
	for k, w := range c.ways {
		rows = append(rows, report.Row{Measure: "beat_shown", Peer: w.name, Value: 100 * median(shares[k]), Unit: "%"})
		_, _ = fmt.Fprintf(t.log, "shown: %s: a quarter of the rounds below %.1f %%, a quarter above %.1f %%\n",
			w.name, 100*shares[k][len(shares[k])/4], 100*shares[k][len(shares[k])*3/4])
	}
	return rows, nil
}

// heartbeat has hosts heartbeat for a slice, and returns how long one took.
func (t *trial) heartbeat(w way, slice time.Duration) (ns float64, err error) {
	stop, err := w.look(t.hosts)
	if err != nil {
		return 0, err
	}
	defer stop()
	n, start := 0, time.Now()
	for ; time.Since(start) < slice; n += 1000 {
		if err := t.ctx.Err(); err != nil {
			return 0, err
		}
		for range 1000 {
			if t.next++; t.next >= len(t.ids) {
				t.next = 0
			}
			if _, err := t.hosts.Heartbeat(t.ids[t.next], 0); err != nil {
				return 0, err
			}
		}
	}
	return float64(time.Since(start)) / float64(n), nil
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
