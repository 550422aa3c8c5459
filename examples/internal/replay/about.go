package replay

import (
	"strings"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

const head = `replay plays a real trace of outages against policies, on simulated time. Every node of the trace is
a host of a hostmgr.Registry that heartbeats at its interval while the trace says that it is up. Years take
seconds where no contact is lost and the policy needs no history: heartbeats that cannot make a difference are
skipped. Otherwise every heartbeat is played: on one core some 8 million a second, or one million for a
policy that needs history.

	go run ./examples/replay
	go run ./examples/replay -format fta -trace g5k.tab.gz -policies fixed:2,fixed:3,tiered:30s/5m -json
	go run ./examples/replay -format hostlife -trace FILE -policies recorded,fixed:3 -verdicts
	go run ./examples/replay -format lanl -trace lanl.csv -loss 0.01 -plot lanl.svg -recommend -price 5`

const words = `The figures:

outage            a time that a node is down; outages that overlap or touch are one
detected          outages in which the host was evicted
missed short      outages after which the node was back before it was evicted
open, unseen      outages neither detected nor over when the trace ends; outages of hosts that the registry
                  did not know, because a loss had caused their eviction or prevented their announce
detection time    from the beginning of the outage to the eviction: p50, p99, max
evictions         of all kinds; the metadata of their hosts is freed
false evictions   evictions of hosts that were up from their last contact to the eviction
returned          evictions whose host announced itself within 5, or 30, minutes. They were useless if a
                  restart preserves what the metadata is about. False evictions are included
late              evictions of hosts that had come back, and whose announce was lost or in flight
stale host-hours  for how long hosts were down and still registered, in sum
contacts/s        contacts that arrived, on average over the trace
peak              the most contacts in a second, with -pacing; without those by which the registry knows every
                  node from its first moment
suspicions        hosts that a sweep found suspect; recovered are those that were heard again

The hosts: the registry knows every node from its first moment in the trace. The node heartbeats from then on,
at a random phase. A node that is back after an outage was restarted: it announces itself at once, as a new
incarnation. So if it was not evicted its old registration is Replaced. A lost contact is not repeated. A
host whose heartbeat finds it unknown announces itself at once. Contacts of one host do not overtake each
other. Where its node's trace ends a host departs without an eviction. The fate of each contact follows
from the seed, the host and the time, so all policies see the same contacts (except with -pacing, where the
times differ). With -pacing the timeouts of a host that heartbeats are computed from the longest of -interval,
which it announced, and the intervals advised since; those of a host that announces itself each time (-announce)
from the interval advised last.

The traces: rows with an error are counted by the kind of error, reported and skipped: malformed, binary,
longer than 64 KiB, of an unknown state, without an end, ending before they begin, of no length, before
1970, after 2100, 10 years long, or beyond the limits (a million nodes, 5 million outages). Rows that are out
of order, overlap or touch are counted and used. Data after 1 GiB, or after damage, is cut off. A trace
that needs more than 640 MB is refused. The times of a trace are placed at random within the second, or
minute, to which all of them are rounded. Otherwise hosts that came back at a full minute would heartbeat in
step with outages that begin at one.

At -loss 0, a policy whose timeout is longer than the interval, -delay and -spread together makes no
false evictions.

-recommend compares costs: a policy costs its stale host-hours, and -price for each false eviction, and
-price-returned for each host back within 5 min. The frontier is the policies for which no other policy has
both fewer stale host-hours and lower costs of evictions. With -plot the policies of the curves are
candidates too.`

// about returns the help.
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
