// Package growth measures at more and more hosts, and draws what becomes of the
// figures.
package growth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/peers"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

const (
	// Least is how many hosts it begins with.
	Least = 10_000
	// Most is the default of the largest number of hosts.
	Most = 10_000_000
	// tooLong is when a peer is left out: it would take more than this at one size.
	tooLong = 8 * time.Minute
)

// measures are those that are drawn, each in a panel of its own.
var measures = []string{"beat_1", "sweep_idle", "sweep_rearm", "evict_all", "bytes_per_host", "gc_ms"}

// A size is what was found with so many hosts.
type size struct {
	n       int
	rows    []report.Row
	leftOut []string
}

// Plot measures the peers at sizes from 10,000 to most, in factors of 10, and draws
// the growth to an SVG file. It returns the rows of the greatest size.
func Plot(ctx context.Context, file string, opt measure.Options, progress *report.Progress) ([]report.Row, error) {
	opt.Measures, opt.Brief = measures, true
	all, most := opt.Peers, opt.N
	took := map[string]time.Duration{}
	opt.Took = func(peer string, d time.Duration) { took[peer] += d }
	var sizes []size
	for opt.N = Least; opt.N <= most; opt.N *= 10 {
		opt.Peers = quickEnough(all, took)
		s := size{n: opt.N, leftOut: missing(all, opt.Peers)}
		progress.Note("%d hosts%s", s.n, s.notes())
		clear(took)
		for _, left := range missing(all, opt.Peers) {
			took[left] = tooLong // and so it stays out
		}
		rows, err := measure.Run(ctx, opt, progress)
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil { // of one peer: the others' figures are good
			progress.Note("not drawn: %v", err)
		}
		s.rows = rows
		sizes = append(sizes, s)
	}
	last := sizes[len(sizes)-1]
	return last.rows, write(file, sizes)
}

// quickEnough leaves out peers that would take too long with ten times as many hosts; never
// hostlife, which it is all about.
func quickEnough(all []peers.Peer, took map[string]time.Duration) []peers.Peer {
	return slices.DeleteFunc(slices.Clone(all), func(p peers.Peer) bool {
		return p.Name != peers.All[0].Name && took[p.Name]*10 > tooLong
	})
}

func missing(all, chosen []peers.Peer) (names []string) {
	for _, p := range all {
		if !slices.ContainsFunc(chosen, func(c peers.Peer) bool { return c.Name == p.Name }) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (s size) notes() string {
	if len(s.leftOut) == 0 {
		return ""
	}
	return fmt.Sprintf(", without %s: more than %v each", strings.Join(s.leftOut, ", "), tooLong)
}
