package peerd

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

const about = `peer is a host of a Dragonfly cluster from the scheduler's point of view: it
announces itself every interval, registers a few peers (replicas of tasks), and
calls DeleteHost on SIGTERM or SIGINT. With -hosts it acts as that many hosts at
once, on one connection (or -connections), and spreads their announces over the
interval.

	go run ./examples/peer -scheduler 127.0.0.1:8002 -id peer-1 -interval 1s

Package hostmgr/announcer announces each host. A failed announce is repeated within
the interval, on a new connection if the old connection was up but gave no answer. The
peer follows the interval that the scheduler advises (response header
hostlife-interval, 10ms to 24h): it waits that long before its next announce, and
names the interval there. If an answer advises none, the peer uses -interval. A
scheduler that is away, overloaded or full is waited for, however long that takes,
with pauses that grow and have jitter.

With several schedulers that share their hosts (-scheduler a,b,c) each host stays with
one of them. It goes to the next one if that refuses it as Unavailable, or does not
answer. With -roam each announce goes to a scheduler chosen at random. With -all each
host announces itself to all of them, independently, as to schedulers that share
nothing. A host registers its peers with each scheduler that it meets (response header
hostlife-scheduler), and again if that has restarted.

A host ends, with a log line, if a retry cannot help: all schedulers refuse the host as
invalid, or a newer process has taken over its id. The other hosts go on. The process
ends when no host is left. If a scheduler refuses the incarnation of a host that has
not joined yet, the clock may have gone back: the host takes the next incarnation above
the one that refused it (response header hostlife-incarnation), once. If the scheduler
does not tell that one, the host waits for it to go. Give each start a new incarnation,
as the default does.

Every call carries the incarnation (request header hostlife-incarnation). So a leave or
a registration of peers that is delayed beyond a restart does not affect the new
registration. After SIGTERM or SIGINT all hosts together have 3 s to leave. The
scheduler detects the remaining hosts by their silence. A second signal ends the
process at once.`

// The intervals that a scheduler may advise.
const (
	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
)

// concurrency is the maximum number of concurrent calls of all hosts.
const concurrency = 64

// Config is the configuration of a peer process.
type Config struct {
	Scheduler   string // addresses, separated by commas
	Roam        bool   // each announce goes to a scheduler chosen at random
	All         bool   // each host announces itself to all schedulers
	ID          string
	Interval    time.Duration
	Hosts       int
	Connections int // that they share
	Peers       int // of each host
	Zone        string
	Verbose     bool
	Log         string // text or json
	History     string // file; empty: none

	incarnation uint64
}

func parse(args []string, stdout io.Writer) (Config, error) {
	var c Config
	fs := flag.NewFlagSet("peer", flag.ContinueOnError)
	fs.StringVar(&c.Scheduler, "scheduler", "127.0.0.1:8002", "`address` of the scheduler, or addresses of several, separated by commas")
	fs.BoolVar(&c.Roam, "roam", false, "send each announce to a scheduler chosen at random")
	fs.BoolVar(&c.All, "all", false, "announce each host to all schedulers: they do not share their hosts")
	fs.StringVar(&c.ID, "id", "peer-1", "host `id`; with -hosts, the prefix of each id")
	fs.DurationVar(&c.Interval, "interval", 30*time.Second, "time between announces, unless the scheduler advises another interval")
	fs.IntVar(&c.Hosts, "hosts", 1, "the `number` of hosts")
	fs.IntVar(&c.Connections, "connections", 1, "the `number` of connections that the hosts share")
	fs.IntVar(&c.Peers, "peers", 3, "number of peers that each host registers")
	fs.StringVar(&c.Zone, "idc", "", "data centre of the hosts")
	fs.Uint64Var(&c.incarnation, "incarnation", 0, "`number` that orders the processes that used one id; 0 means the time of the start")
	fs.BoolVar(&c.Verbose, "v", false, "log every announce on stderr")
	fs.StringVar(&c.Log, "log", "text", "log `format`: text or json")
	fs.StringVar(&c.History, "history", "", historyUsage)
	if err := cli.Parse(fs, about, args, stdout); err != nil {
		return c, err
	}
	if c.incarnation == 0 {
		c.incarnation = uint64(time.Now().UnixNano())
	}
	return c, c.validate()
}

func (c Config) validate() error {
	schedulers := c.schedulers()
	switch {
	case slices.Contains(schedulers, ""):
		return cli.Usagef("-scheduler %q has an empty address", c.Scheduler)
	case len(slices.Compact(slices.Sorted(slices.Values(schedulers)))) < len(schedulers):
		return cli.Usagef("-scheduler %q has an address twice", c.Scheduler)
	case c.Roam && c.All:
		return cli.Usagef("-roam and -all exclude each other")
	case c.ID == "":
		return cli.Usagef("-id must not be empty")
	case c.Interval < minInterval || c.Interval > maxInterval:
		return cli.Usagef("-interval %v is not between %v and %v", c.Interval, minInterval, maxInterval)
	case c.Hosts < 1:
		return cli.Usagef("-hosts %d is not at least 1", c.Hosts)
	case c.Connections < 1:
		return cli.Usagef("-connections %d is not at least 1", c.Connections)
	case c.Peers < 0:
		return cli.Usagef("-peers %d is negative", c.Peers)
	}
	return nil
}

func (c Config) schedulers() []string { return strings.Split(c.Scheduler, ",") }

// HostID returns the id of the i-th host, from 0.
func (c Config) HostID(i int) string {
	if c.Hosts == 1 {
		return c.ID
	}
	return fmt.Sprintf("%s-%05d", c.ID, i+1)
}

// PeerID returns the id of a host's i-th peer, from 0.
func PeerID(host string, i int) string { return fmt.Sprintf("%s-replica-%d", host, i+1) }

// TaskID returns the id of the task of a host's i-th peer, from 0.
func TaskID(i int) string { return fmt.Sprintf("task-%d", i+1) }
