package replay

import (
	"strings"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

const head = `replay plays a real trace of outages against one policy or another, on simulated time. Every node
of the trace is a host of a hostmgr.Registry that beats at its interval while the trace says that it
is up. Years take seconds where no sign of life is lost and the policy has no memory: what can't make
a difference is passed over. Else every beat is played: on one core some 8 million a second, or one
million for a policy that learns.

	go run ./examples/replay
	go run ./examples/replay -format fta -trace g5k.tab.gz -policies fixed:2,fixed:3,tiered:30s/5m -json
	go run ./examples/replay -format hostlife -trace FILE -policies recorded,fixed:3 -verdicts
	go run ./examples/replay -format lanl -trace lanl.csv -loss 0.01 -plot lanl.svg -recommend -price 5`

const words = `The words:

outage            a time that a node is down: outages that overlap or touch are one
detected          of them, those in which the host was evicted
missed short      of them, those after which the node was back before it was evicted
open, unseen      of them, those neither detected nor over when the trace ends; those of hosts that the
                  registry did not know, because a loss had them evicted or kept from announcing themselves
detection time    from the beginning of the outage to the eviction: p50, p99, max
evictions         of all kinds; their hosts' metadata is thrown away
false evictions   of them, those of hosts that were up from their last sign of life to the eviction
returned          of them, those whose host announced itself within 5, or 30, minutes: thrown away for
                  nothing, if a restart leaves what the metadata is about; false ones are among them
late              of them, those of hosts that had come back, and whose announce was lost or on its way
stale host-hours  for how long hosts were down and still registered, in sum
signs/s           signs of life that arrived, on average over the trace
peak              the most of them in a second, with -cadence; without those by which the registry knows every
                  node from its first moment
suspicions        hosts that a sweep found suspect; recovered are those of them that were heard again

The hosts: the registry knows every node from its first moment in the trace. It beats from then on, at a
random phase. One that is back after an outage was restarted: it announces itself at once, as a new
incarnation, so if it was not evicted its old life is Replaced. A lost sign of life is not repeated;
a host whose beat finds it unknown announces itself at once. Signs of life of one host do not
overtake each other. Where its node's trace ends a host goes without being evicted. The fate of each
sign of life follows from the seed, the host and the time, so all policies see the same (but with
-cadence, where the times differ). With -cadence a host that beats is judged by the longest of -interval, which
it announced, and what it was told since; one that announces itself each time (-announce) by what it was told last.

The traces: whatever is wrong with a row is counted by its kind, and said, and the row skipped: malformed,
binary, longer than 64 KiB, of an unknown state, without an end, ending before it begins, of no
length, before 1970, after 2100, 10 years long, or beyond what is kept (a million nodes, 5 million
outages). Rows that are out of order, overlap or touch are counted and used; what comes after 1 GiB,
or after damage, is cut off. A trace of which all that is kept takes more than 640 MB is refused.
The times of a trace are put somewhere within the second, or minute, that all of them are rounded
to: else hosts that came back at a full minute would beat in step with outages that begin at one.

At -loss 0, a policy whose patience is longer than the interval, -delay and -spread together makes no
false evictions.

-recommend weighs: a policy costs its stale host-hours, and -price for each false eviction, and
-price-returned for each host back within 5 min. The frontier are those policies than which no other
has both less stale metadata and less to pay for evictions. With -plot the policies of the curves
are candidates too.`

// about is the help.
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
	b.WriteString(words + "\n\nWithout -trace, or with -generate, a trace is made up: see -nodes, -days and -seed. " + outage.ModelAbout)
	return b.String()
}
