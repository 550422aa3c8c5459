package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hostlife/hostlife/benchmarks/internal/growth"
	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

const (
	quickHosts = 100_000
	mostHosts  = 100_000_000
)

type config struct {
	options measure.Options
	extras  []extra
	json    bool
	plot    string
}

// parse reads the command line. Its errors say what would be right.
func parse(args []string, stderr io.Writer) (cfg config, err error) {
	f := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { usage(f) }
	f.IntVar(&cfg.options.N, "n", 1_000_000, "number of hosts")
	f.IntVar(&cfg.options.Rounds, "rounds", 3, "number of rounds; each figure is the median of its rounds")
	which := f.String("measure", "", "measures, separated by commas (default all)")
	peer := f.String("peer", "", "peers, separated by commas (default all, and the measures of hostlife alone)")
	quick := f.Bool("quick", false, "100,000 hosts, one round, and no measure that takes minutes")
	f.BoolVar(&cfg.json, "json", false, "end with one line of JSON")
	f.StringVar(&cfg.plot, "plot", "", "plot only the growth from 10,000 to 10,000,000 hosts (or -n), to this SVG `file`")
	if err := f.Parse(args); err != nil {
		return cfg, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if cfg.plot != "" && given["measure"] {
		return cfg, errors.New("-plot has its own measures, so -measure cannot be given")
	}
	if *quick {
		cfg.hurry(given)
	}
	if cfg.plot != "" {
		cfg.grow(given)
	}
	if err := cfg.check(f.Args()); err != nil {
		return cfg, err
	}
	if cfg.options.Peers, err = choosePeers(*peer); err != nil {
		return cfg, err
	}
	if cfg.options.Measures, err = chooseMeasures(*which); err != nil {
		return cfg, err
	}
	if cfg.plot == "" && (given["measure"] || !*quick && !given["peer"]) {
		cfg.extras = askedFor(cfg.options.Measures)
	}
	return cfg, nil
}

// hurry sets what was not given.
func (c *config) hurry(given map[string]bool) {
	c.options.Brief = true
	if !given["n"] {
		c.options.N = quickHosts
	}
	if !given["rounds"] {
		c.options.Rounds = 1
	}
}

// grow sets what was not given, for a plot.
func (c *config) grow(given map[string]bool) {
	if !given["n"] {
		c.options.N = growth.Most
	}
	if !given["rounds"] {
		c.options.Rounds = 1
	}
}

func (c *config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("don't know what to do with %q; try --help", rest)
	case c.options.N < 16 || c.options.N > mostHosts:
		return fmt.Errorf("-n %d: from 16 to %d hosts can be measured", c.options.N, mostHosts)
	case c.plot != "" && c.options.N < growth.Least:
		return fmt.Errorf("-n %d: a plot begins with %d hosts", c.options.N, growth.Least)
	case c.options.Rounds < 1:
		return fmt.Errorf("-rounds %d: at least one is needed", c.options.Rounds)
	}
	return nil
}

func choosePeers(list string) ([]peers.Peer, error) {
	if list == "" {
		return peers.All, nil
	}
	var chosen []peers.Peer
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(peers.All, func(p peers.Peer) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("-peer: there is no %q; there are %s", name, strings.Join(peerNames(), ", "))
		}
		chosen = append(chosen, peers.All[i])
	}
	return chosen, nil
}

func chooseMeasures(list string) ([]string, error) {
	known := measureNames()
	if list == "" {
		return known, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("-measure: there is no %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return names, nil
}

func peerNames() []string {
	var names []string
	for _, p := range peers.All {
		names = append(names, p.Name)
	}
	return names
}

func usage(f *flag.FlagSet) {
	w := f.Output()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	say("Compares hostlife with what a Go developer would use instead: the same work,\n")
	say("in one process, taking turns. Tables go to stdout, progress to stderr.\n\n")
	say("  go run ./benchmarks                      # all, with 1,000,000 hosts; 15 to 30 minutes\n")
	say("  go run ./benchmarks -quick               # under a minute\n")
	say("  go run ./benchmarks -measure beat_1,gc_ms -peer hostlife,syncmap\n\nFlags:\n")
	f.PrintDefaults()
	say("\nMeasures:\n")
	for _, m := range measure.All {
		say("  %-22s %s\n", m.Measure, m.About)
	}
	for _, x := range extras {
		say("  %-22s %s\n", strings.Join(x.names, ", "), x.about)
	}
	say("\nPeers:\n")
	for _, p := range peers.All {
		say("  %-10s %s\n", p.Name, p.About)
	}
}
