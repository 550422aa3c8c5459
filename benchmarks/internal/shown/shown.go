// Package shown measures what it costs to be looked at: heartbeats beside a scraper of
// metrics and beside viewers of the live page, and the processor time of a scrape.
package shown

import (
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
	rounds   = 15
	slice    = time.Second // of each way in each round
	interval = time.Hour   // of a host
	zones    = 64
)

// A trial is a registry under Run that is looked at in one way after the other.
type trial struct {
	ctx   context.Context
	log   io.Writer
	hosts *hostmgr.Registry[int]
	ids   []string // in random order, apart from what the registry stored
	next  int
}

// A way is one to look at a registry. It looks until stop is called.
type way struct {
	name string
	look func(*hostmgr.Registry[int]) (stop func(), err error)
}

var ways = []way{
	{"nobody looks", func(*hostmgr.Registry[int]) (func(), error) { return func() {}, nil }},
	{"metrics, two scrapes a second", scraper},
	{"page, nobody looks", unwatched},
	{"page, one viewer", viewer},
}

// Measure has one goroutine beat random hosts of n, in slices that alternate between the
// ways, and takes the median of each.
func Measure(ctx context.Context, n int, log io.Writer) ([]report.Row, error) {
	return measure(ctx, n, rounds, slice, log)
}

func measure(ctx context.Context, n, rounds int, slice time.Duration, log io.Writer) ([]report.Row, error) {
	t, err := newTrial(ctx, n, log)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- t.hosts.Run(running) }()
	rows, err := t.beats(rounds, slice)
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
		a := hostmgr.Announcement[int]{ID: "" + t.ids[i], Interval: interval, Zone: strconv.Itoa(i % zones)}
		if _, err := hosts.Announce(a); err != nil {
			return nil, err
		}
	}
	rand.Shuffle(n, func(i, j int) { t.ids[i], t.ids[j] = t.ids[j], t.ids[i] })
	return t, nil
}

// beats measures a heartbeat, looked at in each way.
func (t *trial) beats(rounds int, slice time.Duration) (rows []report.Row, err error) {
	took := make([][]float64, len(ways))
	for round := range rounds {
		for k := range ways {
			k = (k + round) % len(ways)
			ns, err := t.beat(ways[k], slice)
			if err != nil {
				return nil, fmt.Errorf("shown: %s: %w", ways[k].name, err)
			}
			took[k] = append(took[k], ns)
			_, _ = fmt.Fprintf(t.log, "shown: round %d of %d, %s: %.1f ns\n", round+1, rounds, ways[k].name, ns)
		}
	}
	for k, w := range ways {
		rows = append(rows, report.Row{Measure: "beat_shown", Peer: w.name, Value: median(took[k]), Unit: "ns"})
	}
	return rows, nil
}

// beat has hosts beat for a slice, and returns how long one took.
func (t *trial) beat(w way, slice time.Duration) (ns float64, err error) {
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
