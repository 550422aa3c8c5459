package replay

import (
	"flag"
	"io"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr"
)

const (
	minInterval  = 10 * time.Millisecond
	maxInterval  = 24 * time.Hour
	maxDays      = 36_500
	maxNodes     = 10_000_000
	defaultNodes = 1000
	defaultSpan  = 30 * 24 * time.Hour
	maxWarm      = 1_000_000_000
	maxPrice     = 10 * 365 * 24 * time.Hour
)

// config is the configuration by the flags.
type config struct {
	trace, generate, plot string
	format                outage.Format // of the trace; empty until it is read, if it is guessed
	nodes, group, warm    int
	days                  float64
	lists                 lists
	policies, more        []contender // those that were named, and others to compare them with
	usual                 contender   // what -recommend compares with
	interval              time.Duration
	delay, spread         time.Duration
	loss                  float64
	lossGiven, warmGiven  bool
	seed                  uint64
	pacing                hostmgr.Pacing
	full, json, recommend bool
	verdicts, announce    bool
	price                 time.Duration
}

func parse(args []string, stdout io.Writer) (*config, error) {
	var c config
	var format string
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	fs.StringVar(&c.trace, "trace", "", "`file` with the trace, optionally compressed by gzip; without it a trace is generated")
	fs.StringVar(&format, "format", "", "format of the trace: "+formatNames()+"; by default it is guessed from the first\nlines of the file, or from its name")
	fs.IntVar(&c.nodes, "nodes", 0, "`number` of nodes: of a generated trace, where 0 means 1000; or the most to use of a file,\nwhere 0 means all")
	fs.Float64Var(&c.days, "days", 0, "length in days: of a generated trace, where 0 means 30; or the most to use of a file,\nwhere 0 means all")
	fs.StringVar(&c.generate, "generate", "", "write the trace to `file`, in the format fta, and play nothing")
	fs.StringVar(&c.lists.policies, "policies", defaultPolicies, "policies to play, separated by commas; recorded is the policy that a\nflight recorder's log was recorded with, and the default for such a log")
	fs.DurationVar(&c.interval, "interval", 0, "time between the heartbeats of a host; 0 means the interval of the trace, or 30s if it has none")
	fs.DurationVar(&c.delay, "delay", 5*time.Millisecond, "minimum delay of a contact")
	fs.DurationVar(&c.spread, "spread", 50*time.Millisecond, "maximum additional delay of a contact; uniformly distributed")
	fs.Float64Var(&c.loss, "loss", 0, "the `share` of contacts that are lost, from 0 to below 1")
	fs.Uint64Var(&c.seed, "seed", 1, "seed of delays, losses and the generated trace")
	fs.Func("pacing", "the registry advises an interval: `MIN/MAX/PERSECOND/JITTER`, as in 30s/5m/20/0.1", func(s string) (err error) {
		c.pacing, err = cli.ParsePacing(s)
		return err
	})
	fs.BoolVar(&c.announce, "announce", false, "each contact is an announce, as in Dragonfly, and names the interval that the host uses;\nby default contacts are heartbeats")
	fs.BoolVar(&c.full, "full", false, "skip nothing: play every heartbeat, even if it cannot make a difference")
	fs.IntVar(&c.warm, "warm", 0, "play only this many `heartbeats` before an outage for a policy that needs history, which\ngives nearly the same result; 0 means all, and is the default for up to 50 million heartbeats.\nBeyond that the default is 500")
	fs.IntVar(&c.group, "group", 0, "number of `hosts` that share a registry; without -pacing this changes only the running\ntime. 0 means the fastest")
	fs.BoolVar(&c.verdicts, "verdicts", false, "print each verdict of a flight recorder's log that another policy would change")
	fs.BoolVar(&c.json, "json", false, "print the figures as one JSON object on the last line of stdout")
	fs.StringVar(&c.plot, "plot", "", "draw the policies and their families to an SVG `file`")
	fs.StringVar(&c.lists.curves, "curves", "", "more `policies` for -recommend and for the curves of the picture, separated by commas; by\ndefault some of each family that is played")
	fs.BoolVar(&c.recommend, "recommend", false, "name the policy that costs least at this -price; without -loss, only one that keeps a\nhost that loses one contact")
	fs.DurationVar(&c.price, "price", defaultPrice, "a needless eviction costs as much as metadata of one host that is stale for this long:\n12 of them cost as much as a stale host-hour at 5m, and one does at 1h. The default is the time within\nwhich a host is back if its eviction was needless")
	if err := cli.ParseLong(fs, brief, about(), args, stdout); err != nil {
		return nil, err
	}
	fs.Visit(func(f *flag.Flag) {
		c.lists.given = c.lists.given || f.Name == "policies"
		c.lossGiven = c.lossGiven || f.Name == "loss"
		c.warmGiven = c.warmGiven || f.Name == "warm"
	})
	return &c, c.complete(format)
}

// complete refuses invalid values.
func (c *config) complete(format string) error {
	for _, f := range outage.Formats {
		if f.Name == format {
			c.format = f
		}
	}
	if format != "" && c.format.Name == "" {
		return cli.Usagef("-format %q is not one of %s", format, formatNames())
	}
	if err := c.lists.check(c.trace != "" && (format == "" || c.isLog())); err != nil {
		return err
	}
	return c.validate()
}

func (c *config) validate() error {
	switch {
	case c.nodes < 0 || c.nodes > maxNodes:
		return cli.Usagef("-nodes %d is not between 0 and %d", c.nodes, maxNodes)
	case c.group < 0 || c.warm < 0 || c.warm > maxWarm:
		return cli.Usagef("-group %d is not at least 0, or -warm %d not between 0 and %d", c.group, c.warm, maxWarm)
	case !(c.days >= 0 && c.days <= maxDays):
		return cli.Usagef("-days %v is not between 0 and %d", c.days, maxDays)
	case c.interval != 0 && (c.interval < minInterval || c.interval > maxInterval):
		return cli.Usagef("-interval %v is not between %v and %v", c.interval, minInterval, maxInterval)
	case c.delay < 0 || c.spread < 0 || c.delay > maxInterval || c.spread > maxInterval:
		return cli.Usagef("-delay %v and -spread %v are not between 0 and %v", c.delay, c.spread, maxInterval)
	case !(c.loss >= 0 && c.loss < 1):
		return cli.Usagef("-loss %v is not at least 0 and below 1", c.loss)
	case c.trace == "" && c.model().Memory() > float64(outage.DefaultLimits.Memory):
		return cli.Usagef("-nodes and -days make up a trace that takes some %.0f MB of memory, and the limit is %d MB",
			c.model().Memory()/(1<<20), outage.DefaultLimits.Memory>>20)
	case c.price < 0 || c.price > maxPrice:
		return cli.Usagef("-price %v is not between 0 and %v", c.price, maxPrice)
	case c.generate != "" && c.trace != "":
		return cli.Usagef("-generate makes a trace up, so it goes without -trace")
	}
	return nil
}

// isLog tells whether the trace is a flight recorder's log.
func (c *config) isLog() bool { return c.trace != "" && c.format.Name == "hostlife" }

// model makes a trace up.
func (c *config) model() outage.Model {
	return outage.Model{Nodes: orElse(c.nodes, defaultNodes), Span: orElse(c.span(), defaultSpan), Seed: c.seed}
}

func (c *config) span() time.Duration { return time.Duration(c.days * 24 * float64(time.Hour)) }

func formatNames() string {
	var names []string
	for _, f := range outage.Formats {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
