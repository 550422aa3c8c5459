package sim

import (
	"math"
	"slices"
	"time"
)

// Figures are the results of a trace under a policy.
//
// Each outage is one of four: Detected (the host was evicted while it lasted), Missed (the host
// was registered, and back before it was evicted), Open (neither when the trace ended), or Unseen
// (the registry did not know the host, because a loss had it evicted, or kept it from announcing
// itself). Each eviction is one of three: the first one in an outage, a False one (the host was up
// all the time from its last contact), or a Late one (it had just come back, and its announce
// was lost, or still on its way; or an announce from before the outage brought it back once more).
type Figures struct {
	Outages, Detected, Missed, Open, Unseen int
	Evictions, False, Late                  int
	Returned5, Returned30                   int // evictions of hosts that announced themselves within so many minutes
	Needless                                int // False ones, and others whose host was back within NeedlessWithin
	Suspicions                              int
	Recovered                               int   // suspects that were heard again
	Contacts                                int64 // contacts that arrived
	Quiet                                   int64 // of them, those that were passed over
	Peak                                    int   // the most of them in a second; 0 without a pacing

	Span      time.Duration // of the trace
	detection []int64       // of each outage that was detected, from its beginning
	stale     micros

	second, inSecond int64 // the latest second in which there was a contact, and how many in it
}

// NeedlessWithin is how soon a host is back if its eviction was needless.
const NeedlessWithin = 30 * time.Minute

// micros is a sum of times, to the microsecond: in one int64, a million hosts would have room for 106 days.
type micros struct{ seconds, rest int64 }

func (m *micros) add(o micros) {
	m.seconds += o.seconds + (m.rest+o.rest)/1e6
	m.rest = (m.rest + o.rest) % 1e6
}

// StaleHours is for how long hosts were registered while they were down, in host-hours.
func (f *Figures) StaleHours() float64 {
	return float64(f.stale.seconds)/3600 + float64(f.stale.rest)/3.6e9
}

// Detection is a quantile of the time from the beginning of an outage to the eviction; zero if
// none was detected.
func (f *Figures) Detection(q float64) time.Duration {
	if len(f.detection) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(f.detection))))
	return time.Duration(f.detection[max(rank, 1)-1])
}

// ContactsPerSecond is how many contacts the registry got.
func (f *Figures) ContactsPerSecond() float64 {
	if f.Span <= 0 {
		return 0
	}
	return float64(f.Contacts) / f.Span.Seconds()
}

// arrived counts a contact. Those by which the registry knows hosts from their first moment
// say nothing of the load. The most in a second are known if one registry gets all contacts.
func (f *Figures) arrived(now int64, begins, one bool) {
	f.Contacts++
	if begins || !one {
		return
	}
	if s := now / int64(time.Second); s != f.second {
		f.second, f.inSecond = s, 0
	}
	f.inSecond++
	f.Peak = max(f.Peak, int(f.inSecond))
}

func (f *Figures) staleFor(d int64) {
	us := max(0, d) / int64(time.Microsecond)
	f.stale.add(micros{us / 1e6, us % 1e6})
}

// detected notes an eviction so long after the beginning of an outage.
func (f *Figures) detected(after int64) {
	f.Detected++
	f.detection = append(f.detection, after)
}

// returned notes that a host is back so long after an eviction, which may have been a False one.
func (f *Figures) returned(after int64, wasFalse bool) {
	if !wasFalse && after <= int64(NeedlessWithin) {
		f.Needless++
	}
	if after <= int64(5*time.Minute) {
		f.Returned5++
	}
	if after <= int64(30*time.Minute) {
		f.Returned30++
	}
}

// add adds the figures of other hosts.
func (f *Figures) add(o *Figures) {
	for _, pair := range [][2]*int{{&f.Outages, &o.Outages}, {&f.Detected, &o.Detected}, {&f.Missed, &o.Missed},
		{&f.Open, &o.Open}, {&f.Unseen, &o.Unseen}, {&f.Evictions, &o.Evictions}, {&f.False, &o.False}, {&f.Late, &o.Late},
		{&f.Returned5, &o.Returned5}, {&f.Returned30, &o.Returned30}, {&f.Needless, &o.Needless},
		{&f.Suspicions, &o.Suspicions}, {&f.Recovered, &o.Recovered}} {
		*pair[0] += *pair[1]
	}
	f.Contacts += o.Contacts
	f.Quiet += o.Quiet
	f.stale.add(o.stale)
	f.Peak += o.Peak
	f.detection = append(f.detection, o.detection...)
}

func (f *Figures) finish() { slices.Sort(f.detection) }

// Compact drops the detection times, each of which takes memory, but for these quantiles: they are
// returned in their order.
func (f *Figures) Compact(quantiles ...float64) (times []time.Duration) {
	for _, q := range quantiles {
		times = append(times, f.Detection(q))
	}
	f.detection = nil
	return times
}
