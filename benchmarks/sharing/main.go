// Command sharing measures what registries that share one view cost, on Redis and on etcd. Try
// --help.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/benchmarks/internal/sharing"
)

func main() {
	members.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // the second interrupt ends it at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sharing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	options, asJSON, err := parse(args, stderr)
	if err != nil {
		return err
	}
	progress := report.NewProgress(stderr)
	rows, err := sharing.Run(ctx, options, progress)
	progress.Close()
	return errors.Join(err, show(stdout, options, rows, asJSON))
}

func show(w io.Writer, o sharing.Options, rows []sharing.Row, asJSON bool) error {
	if err := sharing.Print(w, rows); err != nil || !asJSON {
		return err
	}
	return json.NewEncoder(w).Encode(struct {
		Options sharing.Options `json:"options"`
		Rows    []sharing.Row   `json:"rows"`
	}{o, rows})
}

func parse(args []string, stderr io.Writer) (o sharing.Options, asJSON bool, err error) {
	o = sharing.Defaults()
	f := flag.NewFlagSet("sharing", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { usage(f) }
	f.IntVar(&o.Hosts, "n", o.Hosts, "number of hosts that the members share")
	f.IntVar(&o.Many, "many", o.Many, "number of hosts in the large snapshot; 0 leaves it out")
	f.IntVar(&o.Members, "members", o.Members, "number of members")
	f.DurationVar(&o.Interval, "interval", o.Interval, "time between two contacts of a host; its timeout is twice as long")
	f.DurationVar(&o.Lapse, "lapse", o.Lapse, "how long a member may be out of touch before the others bury it")
	f.DurationVar(&o.For, "for", o.For, "how long each steady state is watched")
	engines := f.String("engine", strings.Join(o.Engines, ","), "engines, separated by commas")
	only := f.String("measure", "", "measures, separated by commas (default all)")
	f.BoolVar(&asJSON, "json", false, "end with one line of JSON")
	if err := f.Parse(args); err != nil {
		return o, asJSON, err
	}
	if f.NArg() > 0 {
		return o, asJSON, fmt.Errorf("don't know what to do with %q; try --help", f.Args())
	}
	o.Engines = strings.Split(*engines, ",")
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return o, asJSON, o.Check()
}

func usage(f *flag.FlagSet) {
	w := f.Output()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	say("Measures what registries that share one view cost, on a real Redis and a real etcd. It starts\n")
	say("both, and the members as processes, on this machine. The table goes to stdout, progress to stderr.\n\n")
	say("  go run ./benchmarks/sharing -json                       # all; about 20 minutes\n")
	say("  go run ./benchmarks/sharing -n 10000 -many 0 -for 10s   # smaller\n")
	say("  go run ./benchmarks/sharing -engine redis -measure steady,random\n\nFlags:\n")
	f.PrintDefaults()
	say("\nMeasures:\n")
	for _, line := range sharing.About() {
		say("  %s\n", line)
	}
}
