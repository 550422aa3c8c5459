package chaos

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

const about = `chaos runs schedulers that share their hosts, the hosts, and their engine as real
processes. It kills, stops and cuts off what the scenario says, while hosts join, leave
and die. Each process writes a history, with times of CLOCK_MONOTONIC: each contact that
a scheduler has acknowledged, each departure that a registry has shown, each write to the
shared table. When all is at rest, a checker reads the histories:

  wrong     an eviction of a host less than its timeout after a contact that a scheduler had
            acknowledged, before the question was asked, and the scheduler is still a member
  away      the same, but the scheduler was a member only when it acknowledged the contact:
            the others had buried it since, or the engine had lost its record
  lost      a departure that a scheduler has never shown, or a cleanup that never ran
  late      a departure that a scheduler has shown later than timeout + lapse + slack,
            counted from the end of the host or of a fault that came in between
  doubles   a registration that departed twice, or was cleaned up twice by the schedulers
  excused   doubles of what the engine has lost, or of a scheduler that was frozen, cut
            off or killed at that moment; and a departure that is written again, but cleaned
            up once, by a scheduler that had got no answer

	go run ./examples/chaos -rounds 1
	go run ./examples/chaos -scenarios redis_failover -rounds 20
	go run ./examples/chaos -scenarios none -alone

The last one shows that the checker finds wrong evictions: the schedulers share nothing.

The exit code is 0 if there is no breach. The histories of a round with a breach are kept,
and -check checks them again. It needs Linux. The scenarios with names that begin with
etcd need etcd, and the others need redis-server.`

// Config is the configuration of a run.
type Config struct {
	Scenarios  []scenario
	Rounds     int
	Parallel   int
	Peers      int
	Schedulers int
	Interval   time.Duration
	Lapse      time.Duration
	Slack      time.Duration
	Seed       uint64
	Keep       string
	Check      string
	Program    string
	Alone      bool
	JSON       bool
}

func parse(args []string, stdout io.Writer) (Config, error) {
	var c Config
	var chosen string
	fs := flag.NewFlagSet("chaos", flag.ContinueOnError)
	fs.StringVar(&chosen, "scenarios", "all", "`names` of the scenarios to play, or all:\n"+list())
	fs.IntVar(&c.Rounds, "rounds", 1, "how often each scenario is played")
	fs.IntVar(&c.Parallel, "parallel", 1, "how many rounds are played at the same time; each needs about a third of a core")
	fs.IntVar(&c.Peers, "peers", 200, "hosts at the beginning of each round, at least 40")
	fs.IntVar(&c.Schedulers, "schedulers", 3, "schedulers, at least 2")
	fs.DurationVar(&c.Interval, "interval", time.Second, "announce interval of the hosts; their timeout is twice as long")
	fs.DurationVar(&c.Lapse, "lapse", 5*time.Second, "how long a scheduler may be out of touch before the others bury it")
	fs.DurationVar(&c.Slack, "slack", time.Second, "how much later than timeout + lapse a departure may be shown")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed of all that is random, except for the order in which processes run")
	fs.StringVar(&c.Keep, "keep", "", "`folder` for the histories of rounds with a breach; empty means a temporary one")
	fs.StringVar(&c.Check, "check", "", "play nothing: check the histories in a `folder`")
	fs.StringVar(&c.Program, "scheduler", "", "`program` to run as the schedulers, such as one with a fault; empty means this one")
	fs.BoolVar(&c.Alone, "alone", false, "the schedulers share nothing, so the checker must find wrong evictions")
	fs.BoolVar(&c.JSON, "json", false, "print the figures as one JSON object on the last line of stdout")
	if err := cli.Parse(fs, about, args, stdout); err != nil {
		return c, err
	}
	var err error
	if c.Scenarios, err = choose(chosen); err != nil {
		return c, err
	}
	return c, c.validate()
}

func (c Config) validate() error {
	switch {
	case c.Rounds < 1:
		return cli.Usagef("-rounds %d is not at least 1", c.Rounds)
	case c.Parallel < 1:
		return cli.Usagef("-parallel %d is not at least 1", c.Parallel)
	case c.Peers < minPeers || c.Peers > 10_000:
		return cli.Usagef("-peers %d is not from %d to 10000", c.Peers, minPeers)
	case c.Schedulers < 2 || c.Schedulers > 9:
		return cli.Usagef("-schedulers %d is not from 2 to 9", c.Schedulers)
	case c.Interval < 200*time.Millisecond || c.Interval > time.Minute:
		return cli.Usagef("-interval %v is not from 200ms to 1m", c.Interval)
	case c.Lapse < 4*time.Second || c.Lapse > time.Minute:
		return cli.Usagef("-lapse %v is not from 4s to 1m", c.Lapse)
	case c.Slack < 0:
		return cli.Usagef("-slack %v is negative", c.Slack)
	}
	return nil
}

// timeout is that of Fixed(2), which is the policy of the schedulers.
func (c Config) timeout() time.Duration { return 2 * c.Interval }

func list() string {
	var b strings.Builder
	for _, s := range scenarios() {
		fmt.Fprintf(&b, "  %-20s %s\n", s.name, s.about)
	}
	return b.String()
}

// choose returns the scenarios with these names.
func choose(names string) (chosen []scenario, err error) {
	if names == "all" {
		return scenarios(), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios(), func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, cli.Usagef("-scenarios: no scenario %q", name)
		}
		chosen = append(chosen, scenarios()[i])
	}
	return chosen, nil
}
