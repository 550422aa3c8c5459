package hostmgr

import (
	"slices"
	"strings"
	"time"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
)

// Stats is a snapshot of a registry's figures. Numbers of hosts are current; counts and
// distributions cover the time since New.
//
// In a shared registry, each member counts each join, departure and suspicion. So sums over members
// count each host several times. Only the member that evicts a host records its Latency.Detection.
type Stats struct {
	Began    time.Time // when New made the registry
	Hosts    int       // registered now
	Suspects int       // hosts that a sweep or Restore found suspect or due, without a contact since
	Held     int       // hosts that were due at the latest sweep but held

	// Lost says what was evicted of late. Zones has the same for each zone.
	Lost struct {
		Evicted int       // evictions in the last 5 minutes, or up to 10 s longer
		Of      int       // the greatest number of hosts at a time in that time
		Last    time.Time // the latest eviction since New; zero if there was none
	}

	// Zones are the same figures by zone, sorted by name. A zone is there while it has hosts, and
	// for an hour after its latest eviction. There are at most 64 and zone "other", which has the
	// hosts of all further zones: see Announcement.Zone. If there are more, zones without hosts are
	// forgotten first, and of these the ones with the oldest evictions.
	Zones []struct {
		Name                  string
		Hosts, Suspects, Held int
		// Hold says why the eviction limit holds hosts of this zone because of the zone itself. It
		// is zero if the limit does not. HoldUntil is as in Stats.
		Hold      HoldReason
		HoldUntil time.Time
		// Departures and Lost are as in Stats. Departures starts from 0 if the zone was forgotten.
		Departures struct{ Left, Evicted, Replaced, Forgotten uint64 }
		Lost       struct {
			Evicted, Of int
			Last        time.Time
		}
	}
	// Hold says why the eviction limit holds hosts of all zones. It is zero if the limit holds
	// none, or only holds hosts zone by zone. HoldUntil is when, at the latest, MaxHold is over for
	// the first of them; a stall postpones it. It is zero if Hold is, and until the next sweep.
	Hold      HoldReason
	HoldUntil time.Time

	// AdvisedInterval is the interval that Config.Pacing advises now; 0 without Pacing.
	AdvisedInterval time.Duration

	Joins uint64 // registrations begun: each ends in one departure
	// Departures counts registrations that ended. Left is the normal end, Evicted the abnormal one.
	// Evicted includes those by Registry.Evict.
	Departures struct{ Left, Evicted, Replaced, Forgotten uint64 }
	// RejoinedAfterEviction counts joins of ids that were evicted in the 5 minutes before. These
	// hosts were alive after all, or were restarted. For this count the registry remembers the
	// hashes of evicted ids for 5 minutes, at most the latest 32,768.
	//
	// After the departure and the cleanup of a host, only this remains of it:
	//   - these hashes, at most 2 MB;
	//   - what Announcement.Incarnation and ForgetFor say about ended incarnations, at most 3 MB;
	//   - its departure, if it is one of the latest: see Registry.Departures. Metadata stays with it
	//     only if it is plain, or with Config.KeepMetadata;
	//   - its zone, if it was evicted within the hour: see Zones, at most 100 KB for all zones;
	//   - its entry in Flapping, if it has one.
	RejoinedAfterEviction uint64

	// Conflicts counts announces by which two machines seem to use one id. Each is logged, with the
	// id. These count:
	//   - an announce that is refused because another speaker has the id: with ErrConflict, or with
	//     ErrStale if its incarnation is older;
	//   - a refresh that changes the zone, the interval or the metadata less than 3/4 of an
	//     interval after another change of the same registration, or less than 5/4 after the one
	//     before. A single early change does not count.
	//
	// The second rule is for announces without a Speaker. Metadata is compared only if M consists
	// of numbers, strings and booleans, or arrays and structs of them, of at most 1024 bytes. With
	// Pacing, intervals are not compared. An announce that replaces the result of an Update changes
	// the metadata. The registry remembers the changes of at most 4096 registrations, for about two
	// intervals.
	Conflicts uint64
	// Refused counts joins that were refused because Config.MaxHosts hosts were registered.
	Refused uint64
	// Overtaken counts announces that came after one with a greater Revision. They changed nothing.
	Overtaken uint64

	// Flapping has the worst ten of the hosts that were evicted and joined again within 5 minutes.
	// The host with the most evictions comes first; of two equal ones, the host that was evicted
	// later. A host need not be registered. The first sweep more than an hour after the last such
	// eviction of a host forgets it. At most 4096 hosts are remembered. Beyond that, a new host
	// replaces another: of 8 that are chosen at random, the one with the fewest evictions.
	Flapping []struct {
		ID        string
		Evictions int       // that were followed by a join
		Last      time.Time // when the host was evicted last
	}

	Suspected uint64 // times that a sweep or Restore found a host suspect, or due
	Recovered uint64 // times that a contact, or a longer timeout, ended a suspicion

	// HeldByLimit and HeldByConfirm count evictions that were put off, once each time that a host
	// was due: HeldByLimit when the eviction limit decides to hold the host, HeldByConfirm when
	// Confirm is asked about it. Host.Hold and Evidence.Hold give the reason.
	HeldByLimit, HeldByConfirm uint64

	// Confirm has the figures of Config.Confirm.
	Confirm struct {
		Waiting     int       // hosts that Confirm is to be asked about, now
		Asked       int       // hosts that Confirm is asked about now
		OldestAsked time.Time // when it was asked about them; zero if there are none
		Refused     uint64    // times that Confirm left out a host
		Timeouts    uint64    // calls that did not return within ConfirmTimeout
		LeftBehind  int       // calls that were left behind and have not returned yet
	}

	// ConfirmFailures counts calls of Confirm that returned an error, panicked, ended their
	// goroutine or did not return in time.
	ConfirmFailures uint64
	PolicyErrors    uint64 // invalid answers of the policy or of the Shadow

	Sweeps    uint64
	Stalls    uint64
	StallTime time.Duration // the length of all stalls

	// Cleanup has the figures of Config.Cleanup.
	Cleanup struct {
		Pending       int       // departed hosts whose cleanup has not succeeded yet, now
		OldestPending time.Time // when the first of them departed; zero if there is none
		Failures      uint64    // tries that returned an error, panicked or ended their goroutine
		GivenUp       uint64    // given up, because 16 others of the id were pending
		AwaitingWhile int       // hosts whose next cleanup waits for a call of While, now

		Running       int       // tries under way now, those left behind included
		OldestRunning time.Time // when the oldest of them began; zero if there is none
		LeftBehind    int       // tries under way that did not heed the end of their context
		Timeouts      uint64    // tries that reached Config.CleanupTimeout, counted at that moment
	}

	// Recorder has the figures of Config.Recorder.
	Recorder struct {
		Records  uint64 // written
		Lost     uint64 // found no room, or were in a Write that failed
		Failures uint64 // Writes that failed
	}

	// LogLinesLost counts lines for the Logger that were lost because the queue was full, or the
	// handler failed. A lost line counts with those that it stands for: see Config.Logger.
	LogLinesLost uint64

	// Shadow counts the evictions that the second policy, Config.Shadow, would have made, and the
	// hosts that came back within 5 minutes. Departures.Evicted and RejoinedAfterEviction are the
	// same two figures of the policy itself. Shadow is zero without a second policy.
	//
	// Stalls count as they do for the policy. The eviction limit and Confirm do not apply.
	Shadow struct {
		// Evictions counts silences that the second policy would have ended by an eviction. A
		// silence is counted when it ends. If the policy evicts the host first, the silence is
		// counted when the host can no longer come back before the second policy's timeout, or
		// some 5 minutes later.
		Evictions uint64
		// Rejoined counts the evictions after which the host made contact, or joined again, within
		// 5 minutes. Its metadata would have been freed needlessly.
		Rejoined uint64
	}

	// Latency has distributions of durations.
	Latency struct {
		// Detection is the time from the last contact to the eviction, including delays by stalls,
		// the eviction limit and Confirm.
		Detection histogram.Snapshot[time.Duration]
		// CleanupAfterLeave is the time from a leave to the end of its cleanup.
		// CleanupAfterEviction is the time from the deadline of an evicted host to the end of its
		// cleanup. Both are recorded when a cleanup succeeds.
		CleanupAfterLeave, CleanupAfterEviction histogram.Snapshot[time.Duration]
		// SweepDuration is the duration of sweeps that had hosts to check, excluding Confirm and
		// cleanups.
		SweepDuration histogram.Snapshot[time.Duration]
		// SweepDelay is how much later than planned a sweep of Run began. For other sweeps the
		// registry knows no plan; gc.TaskStats has their delays.
		SweepDelay histogram.Snapshot[time.Duration]
	}
}

// departures are Stats.Departures, and lost is Stats.Lost.
type (
	departures = struct{ Left, Evicted, Replaced, Forgotten uint64 }
	lost       = struct {
		Evicted, Of int
		Last        time.Time
	}
)

func departureCounts(ended [evictlimit.Kinds]uint64) departures {
	return departures{ended[DepartureLeft], ended[DepartureEvicted], ended[DepartureReplaced], ended[DepartureForgotten]}
}

// zoneStats is an element of Stats.Zones.
type zoneStats = struct {
	Name                  string
	Hosts, Suspects, Held int
	Hold                  HoldReason
	HoldUntil             time.Time
	Departures            departures
	Lost                  lost
}

// Stats returns the figures as they are now. The cost does not depend on the number of hosts: some
// 10 microseconds, with a lock held, for each distribution that has values, and as much if
// thousands of hosts are flapping.
func (r *Registry[M]) Stats() Stats {
	st, now := r.rlock()
	// Both under one lock, so each cleanup is either pending or done.
	s, c := st.stats(now), r.cleanups.Stats()
	r.mu.RUnlock()
	r.fillCleanup(&s, &c)
	s.Recorder = r.events.Stats()
	s.PolicyErrors, s.LogLinesLost = r.policies.errors.Load(), r.log.Lost()
	return s
}

func (p *parts[M]) fillCleanup(s *Stats, c *cleanup.Stats[*Departure[M]]) {
	s.Cleanup.Pending, s.Cleanup.Failures, s.Cleanup.GivenUp = c.Pending, c.Failures, c.GivenUp
	s.Cleanup.AwaitingWhile = c.AwaitUse
	s.Cleanup.Running, s.Cleanup.LeftBehind, s.Cleanup.Timeouts = c.Calls.Running, c.Calls.LeftBehind, c.Calls.Timeouts
	if c.Pending > 0 {
		s.Cleanup.OldestPending = c.Oldest.At
	}
	if c.Calls.Running > 0 {
		s.Cleanup.OldestRunning = p.clock.Wall(c.Calls.Oldest)
	}
}

func (s *view[M]) stats(now int64) Stats {
	stats := s.counts
	stats.Began = s.began
	all := s.limiter.All()
	stats.Hosts, stats.Suspects, stats.Held = all.Hosts, all.Suspects, all.Held
	stats.Hold, stats.HoldUntil = HoldReason{limit: all.Reason}, s.wallOrZero(all.Until)
	past := s.limiter.Past(now)
	stats.Departures, stats.Lost = departureCounts(past.Ended), s.lost(past)
	for z, past := range s.limiter.Zones(now) {
		stats.Zones = append(stats.Zones, zoneStats{
			z.Name, z.Hosts, z.Suspects, z.Held, HoldReason{limit: z.Reason}, s.wallOrZero(z.Until), departureCounts(past.Ended), s.lost(past),
		})
	}
	slices.SortFunc(stats.Zones, func(a, b zoneStats) int { return strings.Compare(a.Name, b.Name) })
	stats.AdvisedInterval = s.advisor.Interval(now)
	stats.Stalls, stats.StallTime = s.stalls.Count(), s.stalls.Total()
	s.fillConfirm(&stats)
	stats.RejoinedAfterEviction, stats.Shadow = s.shadow.rejoined, s.shadow.stats
	s.latency.fill(&stats)
	s.fillFlapping(&stats)
	return stats
}

func (s *view[M]) lost(p evictlimit.Past) lost {
	return lost{p.Evicted, p.Most, s.wallOrZero(p.EvictedAt)}
}

// wallOrZero is clock.Wall, but the zero time for 0.
func (s *view[M]) wallOrZero(at int64) (t time.Time) {
	if at > 0 {
		t = s.clock.Wall(at)
	}
	return t
}

func (s *view[M]) fillFlapping(stats *Stats) {
	worst := s.flapping.Worst(10)
	stats.Flapping = slices.Grow(stats.Flapping, len(worst))[:len(worst)]
	for i, f := range worst {
		to := &stats.Flapping[i]
		to.ID, to.Evictions, to.Last = f.ID, f.Evictions, s.clock.Wall(f.Last)
	}
}

func (s *view[M]) fillConfirm(stats *Stats) {
	called := s.confirmCalls.Stats()
	c := &stats.Confirm
	c.Timeouts, c.LeftBehind = called.Timeouts, called.LeftBehind
	c.Waiting, c.Asked = s.confirms.waiting, s.confirms.asked
	if c.Asked > 0 {
		c.OldestAsked = s.clock.Wall(s.confirms.askedAt)
	}
}

// moment returns the figures for the trend.
func (s *view[M]) moment(now int64) moment {
	all, c, recorded := s.limiter.All(), s.cleanups.Stats(), s.events.Stats()
	return moment{
		at: now, hosts: all.Hosts, suspects: all.Suspects, held: all.Held,
		ended: s.limiter.Past(now).Ended, joins: s.counts.Joins, rejoined: s.shadow.rejoined,
		refused: s.counts.Refused, conflicts: s.counts.Conflicts, suspected: s.counts.Suspected, recovered: s.counts.Recovered,
		confirmFailures: s.counts.ConfirmFailures, confirmTimeouts: s.confirmCalls.Stats().Timeouts,
		cleanupFailures: c.Failures, cleanupTimeouts: c.Calls.Timeouts, cleanupsGivenUp: c.GivenUp,
		recordsLost: recorded.Lost, recorderFailures: recorded.Failures, stalls: s.stalls.Count(),
	}
}

// latencies are the distributions that a registry records.
type latencies struct {
	detection, sweep, delay, leave, eviction histogram.Histogram[time.Duration]
}

func (l *latencies) fill(s *Stats) {
	s.Latency.Detection, s.Latency.SweepDuration, s.Latency.SweepDelay = l.detection.Snapshot(), l.sweep.Snapshot(), l.delay.Snapshot()
	s.Latency.CleanupAfterLeave, s.Latency.CleanupAfterEviction = l.leave.Snapshot(), l.eviction.Snapshot()
}

// cleanup records the latency of a cleanup.
func (l *latencies) cleanup(k DepartureKind, took int64) {
	switch k {
	case DepartureLeft:
		l.leave.Record(time.Duration(took))
	case DepartureEvicted:
		l.eviction.Record(time.Duration(took))
	}
}
