package cluster

import (
	"flag"
	"io"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

const about = `cluster runs a scheduler and its peers as real processes, and plays scenarios:

  - a host exits normally (SIGTERM);
  - a host exits abnormally (SIGKILL);
  - a host is unreachable for less than the policy's timeout (SIGSTOP, SIGCONT);
  - the scheduler itself is stopped for longer than the timeout;
  - thousands of hosts die at once.

It prints each event as it happens, and a verdict on each scenario, with the reason if it
failed. The exit code is 0 if all verdicts are ok, and 1 if a scenario failed. Ctrl-C or
SIGTERM ends the run: then the other scenarios are "not played", and the exit code is 130.

	go run ./examples/cluster
	go run ./examples/cluster -policy tiered -json
	go run ./examples/cluster -scenarios all
	go run ./examples/cluster -serve
	go run ./examples/cluster -schedulers 3
	go run ./examples/cluster -schedulers 3 -redis start

At the start it prints the address of the scheduler's live page: open it in a
browser. With -serve it plays no scenario, and hosts come and go until you stop it.

With -schedulers several schedulers share their hosts: each host announces itself to
one of them, and all show the same hosts. The table that they share is in etcd or in
Redis. The schedulers, and the etcd server, are built first, so this needs Go and the
sources. The scenario scheduler_frozen then stops all schedulers, and there are more
scenarios:

  - a scheduler is killed, and its hosts go to the others;
  - a scheduler is stopped for longer than any timeout;
  - the engine is stopped for longer than any timeout, and then killed and started empty
    (not played if -redis names a Redis that runs already);
  - hosts announce themselves to a random scheduler each time.

The table shows the evictions of each scenario, how many were wrong, the departures that
each scheduler has seen, and the shared cleanups.

Three scenarios are played only on request:

  - interruptions: many peers are stopped at once, for half an interval to four
    intervals;
  - partition: peers lose the network but continue to run, because connections are
    cut, or packets are dropped or held back;
  - churn: hosts join, leave and crash for the duration -churn. At the end the number
    of hosts must be exact.

It needs POSIX signals. Ctrl-C or a crash leaves no process behind. Note that go run
starts cluster as a separate process: kill -9 of go run does not stop it. To kill it,
kill the process named cluster (pgrep -x cluster), or build it first with go build.`

const (
	replicas     = 3 // peers that each host registers
	massReplicas = 1

	maxInterval = time.Minute
)

// Config is the configuration of a run.
type Config struct {
	Peers          int
	Interval       time.Duration
	Policy         string
	Jitter         time.Duration
	Offline        time.Duration
	Mass           int
	MassInterval   time.Duration
	Lag            time.Duration
	Churn          time.Duration
	ChurnHosts     int
	Schedulers     int    // that share their hosts; 0: one, on its own
	Redis          string // start, the address of a server, or empty: etcd
	Scenarios      []scenario
	HTTP           string
	Serve          bool
	JSON           bool
	SchedulerFlags string
}

func parse(args []string, stdout io.Writer) (Config, error) {
	var c Config
	var chosen string
	fs := flag.NewFlagSet("cluster", flag.ContinueOnError)
	fs.IntVar(&c.Peers, "peers", 5, "peer processes, at least 4")
	fs.DurationVar(&c.Interval, "interval", time.Second, "announce interval of the peers")
	fs.StringVar(&c.Policy, "policy", "fixed", "fixed (evicted after 2 intervals of silence) or tiered (overdue by more than -offline)")
	fs.DurationVar(&c.Jitter, "jitter", time.Second, "tiered: suspect when overdue by more than this\n(the scheduler's own default of 30s would make this run last minutes)")
	fs.DurationVar(&c.Offline, "offline", 3*time.Second, "tiered: evicted when overdue by more than this (the scheduler's own default is 5m)")
	fs.IntVar(&c.Mass, "mass", 10_000, "hosts that die at once in mass_exit")
	fs.DurationVar(&c.MassInterval, "mass-interval", 0, "announce interval of the hosts in mass_exit; 0 means four times -interval, so that 2 cores are enough")
	fs.DurationVar(&c.Churn, "churn", time.Minute, "duration of churn")
	fs.IntVar(&c.ChurnHosts, "churn-hosts", 0, "number of hosts in churn, each a process of about 4 MiB;\n0 means 200, or 20 with -serve")
	fs.StringVar(&c.HTTP, "http", "127.0.0.1:0", "`address` of the scheduler's page and metrics; port 0 picks one, empty means none")
	fs.BoolVar(&c.Serve, "serve", false, "play no scenario: keep the cluster running until Ctrl-C, with hosts that join, leave, crash\nand pause; watch them on the page")
	fs.DurationVar(&c.Lag, "lag", 500*time.Millisecond, "maximum time from a host's deadline until it is evicted and cleaned up")
	fs.IntVar(&c.Schedulers, "schedulers", 0, "`number` of schedulers that share their hosts, 2 to 9; 0 means one that is on its own")
	fs.StringVar(&c.Redis, "redis", "", "with -schedulers: the `address` of a Redis that has the shared table, or the word start, which\nstarts redis-server; empty means an etcd server that is built from contrib/hostetcd")
	fs.StringVar(&chosen, "scenarios", "", "`names` of the scenarios to play, or all; empty means the usual ones. The scenarios are\n"+names(scenarios))
	fs.BoolVar(&c.JSON, "json", false, "print the verdicts as one JSON object on the last line of stdout")
	fs.StringVar(&c.SchedulerFlags, "scheduler-flags", "", "more `flags` for the scheduler, to see verdicts fail: with '-multiple 1000' no host is\nevicted, with '-multiple 1.2' hosts are evicted too early")
	if err := cli.Parse(fs, about, args, stdout); err != nil {
		return c, err
	}
	if c.MassInterval == 0 {
		c.MassInterval = 4 * c.Interval
	}
	var err error
	if c.Scenarios, err = c.choose(chosen); err != nil {
		return c, err
	}
	return c, c.validate()
}

func (c Config) validate() error {
	switch {
	case c.Peers < 4:
		return cli.Usagef("-peers %d: three are killed and one must stay", c.Peers)
	case c.Interval < 100*time.Millisecond || c.MassInterval < 100*time.Millisecond:
		return cli.Usagef("an interval below 100ms measures the machine, not the scheduler")
	case c.Interval > maxInterval || c.MassInterval > 2*maxInterval:
		return cli.Usagef("-interval must be %v at most and -mass-interval %v: this run waits for several of them", maxInterval, 2*maxInterval)
	case c.Policy != "fixed" && c.Policy != "tiered":
		return cli.Usagef("-policy %q is neither fixed nor tiered", c.Policy)
	case c.Policy == "tiered" && (c.Jitter <= 0 || c.Offline < c.Jitter):
		return cli.Usagef("-jitter must be above 0, and -offline at least -jitter")
	case c.Mass < 1 || c.Mass > 90_000:
		return cli.Usagef("-mass must be from 1 to 90000")
	case c.Churn <= 0 || c.ChurnHosts < 0 || c.ChurnHosts > 1000:
		return cli.Usagef("-churn must be above 0, and -churn-hosts from 0 to 1000")
	case c.Schedulers != 0 && (c.Schedulers < 2 || c.Schedulers > 9):
		return cli.Usagef("-schedulers must be 0, or from 2 to 9")
	case c.Redis != "" && c.Schedulers == 0:
		return cli.Usagef("-redis needs -schedulers")
	case c.Serve && c.JSON:
		return cli.Usagef("-serve has no verdicts that -json could print")
	case c.Lag <= 0:
		return cli.Usagef("-lag must be above 0")
	}
	return nil
}

// startsEngine tells whether the run starts the engine that the schedulers share.
func (c Config) startsEngine() bool { return c.Redis == "" || c.Redis == "start" }

// timeout returns the policy's timeout for an interval. It is computed here too, so that verdicts do not
// depend on what the scheduler says.
func (c Config) timeout(interval time.Duration) time.Duration {
	if c.Policy == "tiered" {
		return interval + c.Offline
	}
	return 2 * interval
}

func (c Config) schedulerArgs(listen, http string) []string {
	args := []string{"-listen", listen, "-http", http, "-v", "-log", "json", "-policy", c.Policy,
		"-jitter", c.Jitter.String(), "-offline", c.Offline.String()}
	return append(args, strings.Fields(c.SchedulerFlags)...)
}
