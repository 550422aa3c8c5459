package replay

import (
	"strings"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

const head = `replay plays a real trace of outages against policies, on simulated time. Every node of the trace is
a host of a hostmgr.Registry, and sends heartbeats at its interval while the trace says that it is
up. If no contact is lost and the policy needs no history, replay skips the heartbeats that cannot
make a difference, so years take seconds. Otherwise it plays every heartbeat: on one core some 8
million a second, or one million for a policy that needs history.

	go run ./examples/replay
	go run ./examples/replay -trace g5k.tab.gz -policies fixed:2,fixed:3,tiered:30s/5m -json
	go run ./examples/replay -trace FILE -format hostlife -policies recorded,fixed:3 -verdicts
	go run ./examples/replay -trace lanl.csv -warm 500 -plot lanl.svg -recommend -price 10m`

const words = `The figures:

outage            a period in which a node is down; outages that overlap or touch count as one
detected          outages in which the host was evicted
missed short      outages after which the node was back before it was evicted
open              outages neither detected nor over when the trace ends
unseen            outages of hosts that the registry did not know, because a lost contact had caused their
                  eviction or prevented their announce
detection time    from the beginning of the outage to the eviction: p50, p99, max
evictions         all evictions; each frees the metadata of its host
false evictions   evictions of hosts that were up from their last contact to the eviction
back<5m           evictions after which the host announced itself within 5 minutes (returned_5m; also
                  returned_30m). False evictions are included
needless          evictions of hosts that were up (false evictions), or that announced themselves within 30
                  minutes. They were useless if a restart preserves the data that the metadata describes
late              evictions of hosts that had come back while their announce was lost or in flight
stale host-hours  total time in which hosts were down but still registered
contacts/s        contacts that arrived, on average over the trace
peak              the most contacts in a second, with -pacing; the first announce of each node does not count
suspicions        suspicions by a sweep
recovered         suspicions that a contact ended

The hosts: the registry knows every node from its first moment in the trace. From then on the node
sends heartbeats, at a random phase. A node that is back after an outage was restarted: it announces
itself at once, as a new incarnation. If it was not evicted, its old registration is Replaced. A
lost contact is not repeated. If the answer to a heartbeat is that the host is unknown, the host
announces itself at once. Contacts of one host do not overtake each other. At the end of its node's
trace a host departs without an eviction. The fate of each contact follows from the seed, the host
and the time. So all policies see the same contacts, except with -pacing, where the times differ.

With -pacing, the timeouts of a host that sends heartbeats are computed from the longest of
-interval, which it announced, and the intervals advised since. The timeouts of a host that
announces itself each time (-announce) are computed from the latest advised interval.

The traces: the format is guessed from the first 20 lines, or else from the name: .tab and .tsv are
fta, .csv is csv, .log is hostlife. Rows with an error are counted by the kind of error and skipped,
and the first three of each kind are shown on stderr: malformed, binary, longer than 64 KiB, of an
unknown state, without an end, ending before they begin, of no length, before 1970, after 2100, 10
years long, or beyond the limits (a million nodes, 5 million outages). Rows that are out of order,
overlap or touch are counted and used. Data after 1 GiB, or after damage, is cut off. A trace that
needs more than 640 MB is refused. If all times of a trace are rounded to the second, or to the
minute, each is moved to a random moment within it. Otherwise hosts that came back at a full minute
would send their heartbeats in step with outages that begin at a full minute.

At -loss 0, a policy whose timeout is longer than the interval, -delay and -spread together makes no
false evictions.

-recommend names the policy that costs least:

cost = stale host-hours + -price x needless evictions

So -price is a time: a needless eviction costs as much as metadata of one host that is stale for so
long. The default is 30m: a host is back within 30 min of a needless eviction, so keeping its
metadata would have cost 30 min at most. Say -price 5m if metadata is quickly replaced, and -price
2h if hosts that are gone do little harm. The output says for which prices the recommendation is the
same.

The candidates are the policies of -policies, of -curves, and fixed:2. The comparison is with
fixed:2, the default of hostmgr.Config, or with the policy that a log was recorded with. A trace has
no lost contacts, and that favours short timeouts. So without -loss, a policy is no candidate if it
evicts a host after one lost contact. Set -loss 0 if hosts repeat a lost contact within their
interval, as package announcer does.

A policy is on the frontier if no other candidate has fewer needless evictions without more stale
host-hours, or the reverse.`

// about returns the long help.
func about() string {
	var b strings.Builder
	b.WriteString(head + "\n\nPolicies:\n\n")
	for _, f := range families {
		b.WriteString(f.about + "\n")
	}
	b.WriteString("\nFormats:\n\n")
	for _, f := range outage.Formats {
		b.WriteString(f.Name + ": " + f.About + "\n\n")
	}
	b.WriteString(words + "\n\nWithout -trace, or with -generate, a trace is generated: see -nodes, -days and -seed. " + outage.ModelAbout)
	return b.String()
}
