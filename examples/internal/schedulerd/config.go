package schedulerd

import (
	"flag"
	"io"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr"
)

const about = `scheduler knows which hosts of a Dragonfly cluster are there. It is a gRPC server
that speaks Dragonfly's own scheduler API: v2 AnnounceHost, ListHosts, DeleteHost,
AnnouncePeer, StatPeer and DeletePeer, and v1 AnnounceHost and LeaveHost. It frees
what belongs to a host when the host leaves, or has been silent for too long. It
has no TLS and asks nobody who he is: keep it on loopback, or behind what does.

	go run ./examples/scheduler -listen 127.0.0.1:8002 -http 127.0.0.1:8003 -v

Beside Dragonfly's messages it knows a little gRPC metadata; all of it may be left
out. A request may carry hostlife-incarnation, a decimal number that orders the
lives of one host id (the start time will do): on an announce, a leave or a stream
of peers it says which life is speaking, and an older one than the one that lives
is refused with FailedPrecondition. Without it the one that lives is taken to
speak, so a leave that was delayed beyond a restart ends the new life: send it. The
answer to an announce carries hostlife-incarnation, hostlife-interval (the time
until the next announce, as in 1.5s) and hostlife-life (a name for this join: when
it changes, the host was gone in between, and registers its peers again).

With -cadence hostlife-interval is advice: the more hosts there are, the longer. Who
heeds it says so in the interval of the next announce; who ignores it is not evicted for
that. Without -cadence it is the interval that the host itself named.

The first line on stdout is "listening on ADDR"; with -http there is another one, "page
on http://ADDR/", which shows the hosts live in a browser. SIGTERM and SIGINT stop it
gracefully; on Unix, SIGUSR1 logs how much it holds (hosts, peers, heap). With
-cpuprofile it notes where its processor time goes, for "go tool pprof"; the file is
complete when it has stopped.

What clients can have it hold is bounded, for each and for all together; what is beyond that
is refused with ResourceExhausted. Hosts: -max-hosts, of 16 KiB each. Peers: 1,024 of a host,
and -max-peer-bytes of all. Answers that are not read: 64 MiB, or a single one that is larger.
Streams: 4,096, and 256 of a connection. A client that takes longer than -client-timeout to
send a request, or to read an answer, is cut off; so is, once it has said something, one that
registers peers and does not read the answers. A stream may be silent for as long as it likes.

With -record it keeps a flight recorder's log, with the evidence of every eviction. The
log is appended to the file, restart after restart, and never shortened; a file that is
not there yet is made for its owner only. It is complete when the scheduler has stopped. If FILE is a named pipe, its reader is waited for at
first; one that does not read loses records, and keeps the scheduler from nothing.
To read it, and to see what another policy would have done:

	go run ./examples/replay -format hostlife -trace FILE`

const cadenceUsage = "advise hosts their interval, as `MIN/MAX/PERSECOND/JITTER`: from MIN (0 means 30s) to MAX\n" +
	"(0 means 10 x MIN), so that all together announce themselves PERSECOND times a second.\n" +
	"Each is told less, by up to the share JITTER (from 0, which may be left out, to below 1),\n" +
	"at random. 10s/5m/1000/0.1, say. By default each host keeps the interval that it names"

const (
	minMaxGap  = 10 * time.Millisecond
	maxOffline = 365 * 24 * time.Hour
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Hour
)

// Config says how to schedule.
type Config struct {
	Listen  string
	HTTP    string // address of the page and the metrics; empty: none
	Verbose bool   // log every join, suspicion and departure
	Log     string // text or json

	cpuProfile      string // file; empty: none
	record          string // likewise
	recorder        io.Writer
	policy, shadow  string
	multiple, phi   float64
	jitter, offline time.Duration
	maxGap          time.Duration
	maxHosts        int
	maxPeerBytes    int64
	timeout         time.Duration
	cadence         hostmgr.Cadence
}

func parse(args []string, stdout io.Writer) (Config, error) {
	var c Config
	fs := flag.NewFlagSet("scheduler", flag.ContinueOnError)
	fs.StringVar(&c.Listen, "listen", "127.0.0.1:8002", "`address` to listen on; port 0 picks one")
	fs.StringVar(&c.HTTP, "http", "", "`address` to serve the live page (/), Prometheus metrics (/metrics), JSON (/api/)\nand health (/healthz) on, without asking who looks, but on loopback only by\nits address or as localhost; empty means none")
	fs.BoolVar(&c.Verbose, "v", false, "log every join, suspicion and departure, with its evidence, on stderr")
	fs.StringVar(&c.Log, "log", "text", "log `format`: text or json")
	fs.StringVar(&c.policy, "policy", "fixed", policyUsage)
	fs.StringVar(&c.shadow, "shadow", "", "a second `policy`, of the same values and flags, that evicts nobody: the page and the\nmetrics show what it would have done; empty means none")
	fs.Float64Var(&c.multiple, "multiple", 2, "fixed: evict after so many intervals of silence")
	fs.Float64Var(&c.phi, "phi", 8, "phi: means the silence after which the chance that a beat still comes is 1 in 10^phi")
	fs.DurationVar(&c.jitter, "jitter", 30*time.Second, "tiered: up to this much overdue is jitter, beyond it a host is suspect")
	fs.DurationVar(&c.offline, "offline", 5*time.Minute, "tiered: evict when overdue by more than this; phi: at the latest")
	fs.DurationVar(&c.maxGap, "max-gap", 0, "a `gap` between sweeps beyond this is a stall of the scheduler, and excuses\nthe hosts' silence; 0 means 500ms, negative excuses nothing")
	fs.IntVar(&c.maxHosts, "max-hosts", 100_000, "nobody joins beyond so many hosts; 0 means no limit")
	fs.Int64Var(&c.maxPeerBytes, "max-peer-bytes", 256<<20, "no peer is registered beyond so many `bytes` of memory that the peers of all hosts\ntake together, roughly; 0 means no limit")
	fs.DurationVar(&c.timeout, "client-timeout", 15*time.Second, "cut off a client that takes longer than this to send a request, or to read an answer")
	fs.Func("cadence", cadenceUsage, func(s string) (err error) {
		c.cadence, err = cli.ParseCadence(s)
		return err
	})
	fs.StringVar(&c.record, "record", "", recordUsage)
	fs.StringVar(&c.cpuProfile, "cpuprofile", "", "write a CPU profile of all its work to `file`, until it stops")
	if err := cli.Parse(fs, about, args, stdout); err != nil {
		return c, err
	}
	return c, c.validate()
}

// validate refuses what the registry would refuse, in terms of the flags.
func (c Config) validate() error {
	if err := c.validatePolicies(); err != nil {
		return err
	}
	switch {
	case c.maxGap > 0 && c.maxGap < minMaxGap:
		return cli.Usagef("-max-gap %v is below %v", c.maxGap, minMaxGap)
	case c.maxHosts < 0:
		return cli.Usagef("-max-hosts %d is negative", c.maxHosts)
	case c.maxPeerBytes < 0:
		return cli.Usagef("-max-peer-bytes %d is negative", c.maxPeerBytes)
	case c.timeout < minTimeout || c.timeout > maxTimeout:
		return cli.Usagef("-client-timeout %v is not from %v to %v", c.timeout, minTimeout, maxTimeout)
	}
	return nil
}

// policyOf is the policy that -policy or -shadow names; nil if it names none.
func (c Config) policyOf(name string) hostmgr.Policy {
	switch name {
	case "fixed":
		return hostmgr.Multiple(c.multiple)
	case "tiered":
		return hostmgr.Tiered{Jitter: c.jitter, Offline: c.offline}
	case "phi":
		return hostmgr.Adaptive{Phi: c.phi, Most: c.offline}
	}
	return nil
}
