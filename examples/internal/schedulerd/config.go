package schedulerd

import (
	"flag"
	"io"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const about = `scheduler tracks which hosts of a Dragonfly cluster are alive. It is a gRPC server
that speaks Dragonfly's own scheduler API. Implemented are, of v2, AnnounceHost,
ListHosts, DeleteHost, AnnouncePeer, StatPeer, DeletePeer, StatTask, DeleteTask,
AnnounceCachePeer, StatCachePeer, DeleteCachePeer, StatCacheTask, DeleteCacheTask;
of v1, AnnounceHost, LeaveHost. Other RPCs answer Unimplemented. The scheduler frees the
peers of a host when the host leaves, or has been silent for longer than its timeout. It
has no TLS and no authentication: keep it on loopback, or put a proxy with both in front
of it.

	go run ./examples/scheduler -listen 127.0.0.1:8002 -http 127.0.0.1:8003 -v

An announce may name any interval, as with Dragonfly. An interval that is not positive
counts as 30s. Others are moved into the range from 10ms to 24h. The log says so, in one
line every 5 s. A host of more than 16 KiB, or with an id or a data centre of more than
1 KiB, is refused with InvalidArgument.

In addition to Dragonfly's messages, it uses optional gRPC metadata. An announce, a
leave or a stream of peers may carry hostlife-incarnation: a decimal number that orders
the processes that used one host id (the start time will do). A request from an older
incarnation than the current one is refused with FailedPrecondition. For 5 minutes so is
an announce of an incarnation that has left or has been replaced. A request without
hostlife-incarnation counts as from the current incarnation. Then a leave that is delayed
beyond a restart ends the new registration, and a host that restarts within its timeout
keeps its registration, with the peers of its former process. So send the header.

If two machines with different IP addresses use one id, the page and the metrics count
their conflicts. With the same incarnation, the second machine is refused with
AlreadyExists, until the host is suspect. Without hostlife-incarnation both are accepted,
as by Dragonfly.

The answer to an announce carries:

  - hostlife-incarnation;
  - hostlife-interval: the time until the next announce, such as 1.5s;
  - hostlife-registration: the number of this join. When it changes, the host was gone
    in between, and must register its peers again.

With -pacing, hostlife-interval is advice, and grows with the number of hosts. A host
that follows the advice names it as the interval of its next announce. A host that
ignores it is not evicted for that. Without -pacing, hostlife-interval is the interval
that the host named.

The first line on stdout is "listening on ADDR". With -http the second line is "page on
http://ADDR/", the address of a page that shows the hosts live. SIGTERM and SIGINT stop
the scheduler gracefully. On Unix, SIGUSR1 logs the number of hosts, the number of peers
and the size of the heap, and with -share what this scheduler knows of the others. With
-cpuprofile the scheduler writes a CPU profile for "go tool pprof"; the file is complete
when the scheduler has stopped.

The memory that clients can use is bounded, for each client and in total. Requests
beyond these bounds are refused with ResourceExhausted:

  - hosts: -max-hosts, with up to 16 KiB each (for a larger one, InvalidArgument);
  - peers: 1,024 for each host, and -max-peer-bytes in total;
  - unread answers: 64 MiB, or a single larger answer;
  - streams: 4,096, and 256 for each connection.

A client that takes longer than -client-timeout to send a request, or to read an answer,
is disconnected. So is a client that registers peers and does not read the answers. A
stream may stay idle for any length of time.

The log, on stderr, has a line when hosts are evicted: their number, and the reason of the
first one. Other lines are about failures and stalls. While lines of one kind keep coming,
the pause between two grows from 1 s to 10 s, and each says for how many it stands. So
thousands of deaths do not flood the log. With -v each of them has a line of its own.

With -share several schedulers have one view of the hosts. They share a table in Redis
or etcd. A host may announce itself to any of them, and is evicted only if it is silent
to all. When a scheduler ends, the others judge its hosts. Peers stay in the memory of
the scheduler that they were registered with. The end of a registration frees its peers
on all of them.

	go run ./examples/scheduler -share redis://127.0.0.1:6379
	go run ./examples/scheduler -share etcd://10.0.0.1:2379,10.0.0.2:2379

A scheduler that is out of touch with the table evicts no host. It refuses announces and
leaves with Unavailable, and its health checks fail. A refused host should try another
scheduler, or try again later. An answer to an announce also carries
hostlife-scheduler, which names the process of the scheduler. A host registers its
peers with each process that answers, because the processes do not share them.

With -record the scheduler keeps a flight recorder's log, with the evidence for every
eviction. After a restart it appends to the file. It never shortens the file. Only the
owner can read a new file. The log is complete when the scheduler has stopped. FILE may
be a named pipe. A reader that comes late or stops reading loses records, but does not
block the scheduler. To read the log, and to see what another policy would have done:

	go run ./examples/replay -format hostlife -trace FILE`

const pacingUsage = "advise hosts their interval, as `MIN/MAX/PERSECOND/JITTER`: from MIN (0 means 30s) to MAX\n" +
	"(0 means 10 x MIN), so that all hosts together announce themselves PERSECOND times a second.\n" +
	"Each host is told an interval shorter by up to the share JITTER, at random (0, the default, to below 1).\n" +
	"Example: 10s/5m/1000/0.1. By default each host keeps the interval that it names"

const (
	minStallThreshold = 10 * time.Millisecond
	minOffline        = time.Millisecond
	maxOffline        = 365 * 24 * time.Hour
	minTimeout        = 100 * time.Millisecond
	maxTimeout        = time.Hour
)

// Config is the configuration of a scheduler.
type Config struct {
	Listen  string
	HTTP    string // address of the page and the metrics; empty: none
	actions bool   // the page may evict and forget hosts
	Verbose bool   // log every join, suspicion and departure
	Log     string // text or json

	cpuProfile      string // file; empty: none
	record          string // likewise
	recorder        io.Writer
	policy, shadow  string
	multiple, phi   float64
	jitter, offline time.Duration
	stallThreshold  time.Duration
	maxHosts        int
	maxPeerBytes    int64
	timeout         time.Duration
	pacing          hostmgr.Pacing
	table           Table
	name            string // of the member, in logs and on pages
	store           share.Store
	withStdin       bool
	historyFile     string
	history         *history.Log // nil: none
	clear           bool         // the table
}

func parse(args []string, stdout io.Writer) (Config, error) {
	var c Config
	fs := flag.NewFlagSet("scheduler", flag.ContinueOnError)
	fs.StringVar(&c.Listen, "listen", "127.0.0.1:8002", "`address` to listen on; port 0 picks one")
	fs.StringVar(&c.HTTP, "http", "", "`address` to serve the live page (/), Prometheus metrics (/metrics), JSON (/api/)\nand health (/healthz) on, without authentication; on a loopback address, requests must\nname that address or localhost; empty means none")
	fs.BoolVar(&c.actions, "actions", false, "let the page evict and forget single hosts: each client that can reach it may do so")
	fs.BoolVar(&c.Verbose, "v", false, "log every join, suspicion and departure, with its evidence, on stderr: a line for each")
	fs.StringVar(&c.Log, "log", "text", "log `format`: text or json")
	fs.StringVar(&c.policy, "policy", "fixed", policyUsage)
	fs.StringVar(&c.shadow, "shadow", "", "a second `policy`, with the same flags, that evicts no host: the page and the metrics\nshow what it would have done; empty means none")
	fs.Float64Var(&c.multiple, "multiple", 2, "fixed: evict after this many intervals of silence; 3 for clients that do not retry, as Dragonfly's")
	fs.Float64Var(&c.phi, "phi", 8, "phi: suspect once the probability that a heartbeat still comes is below 10^-phi")
	fs.DurationVar(&c.jitter, "jitter", 30*time.Second, "tiered: suspect when overdue by more than this")
	fs.DurationVar(&c.offline, "offline", 5*time.Minute, "tiered: evict when overdue by more than this; phi: evict at the latest when overdue by this")
	fs.DurationVar(&c.stallThreshold, "stall-threshold", 0, "the longest normal `gap` between sweeps: a longer gap is a stall, and does not count as\nsilence; 0 means 500ms, negative means that no gap is a stall")
	fs.IntVar(&c.maxHosts, "max-hosts", 100_000, "the `number` of hosts above which no new host may join; 0 means no limit")
	fs.Int64Var(&c.maxPeerBytes, "max-peer-bytes", 256<<20, "the approximate number of `bytes` of memory for the peers of all hosts; 0 means no limit")
	fs.DurationVar(&c.timeout, "client-timeout", 15*time.Second, "disconnect a client that takes longer than this to send a request, or to read an answer")
	fs.Func("pacing", pacingUsage, func(s string) (err error) {
		c.pacing, err = cli.ParsePacing(s)
		return err
	})
	c.addShareFlags(fs)
	fs.StringVar(&c.record, "record", "", recordUsage)
	fs.StringVar(&c.historyFile, "history", "", historyUsage)
	fs.StringVar(&c.cpuProfile, "cpuprofile", "", "write a CPU profile of the whole run to `file`")
	if err := cli.Parse(fs, about, args, stdout); err != nil {
		return c, err
	}
	return c, c.validate()
}

// validate refuses what the registry would refuse, and names the flags.
func (c Config) validate() error {
	if err := c.validatePolicies(); err != nil {
		return err
	}
	switch {
	case c.stallThreshold > 0 && c.stallThreshold < minStallThreshold:
		return cli.Usagef("-stall-threshold %v is below %v", c.stallThreshold, minStallThreshold)
	case c.maxHosts < 0:
		return cli.Usagef("-max-hosts %d is negative", c.maxHosts)
	case c.maxPeerBytes < 0:
		return cli.Usagef("-max-peer-bytes %d is negative", c.maxPeerBytes)
	case c.timeout < minTimeout || c.timeout > maxTimeout:
		return cli.Usagef("-client-timeout %v is not from %v to %v", c.timeout, minTimeout, maxTimeout)
	}
	return c.validateShare()
}

// policyOf returns the policy that -policy or -shadow names; nil for an empty name.
func (c Config) policyOf(name string) hostmgr.Policy {
	switch name {
	case "fixed":
		return hostmgr.Fixed(c.multiple)
	case "tiered":
		return hostmgr.Tiered{Jitter: c.jitter, Offline: c.offline}
	case "phi":
		return hostmgr.PhiAccrual{Threshold: c.phi, MaxOverdue: c.offline}
	}
	return nil
}
