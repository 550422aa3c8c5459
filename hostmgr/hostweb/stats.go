package hostweb

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// stats is the answer of api/stats: hostmgr.Stats, and what the page adds to it.
type stats struct {
	Now     stamp   `json:"now"`
	Viewers int     `json:"viewers"`
	Summary string  `json:"summary"`
	Alerts  []alert `json:"alerts"`

	Replica  string    `json:"replica"`
	Began    stamp     `json:"began"`
	Settings []setting `json:"settings"`

	Hosts           int         `json:"hosts"`
	Suspects        int         `json:"suspects"`
	Held            int         `json:"held"`
	Lost            lostStats   `json:"lost"`
	Zones           []zoneStats `json:"zones"`
	Hold            string      `json:"hold"`
	HoldUntil       stamp       `json:"holdUntil"`
	AdvisedInterval seconds     `json:"advisedInterval"`

	Joins                 uint64         `json:"joins"`
	Departures            departureStats `json:"departures"`
	RejoinedAfterEviction uint64         `json:"rejoinedAfterEviction"`
	Conflicts             uint64         `json:"conflicts"`
	Refused               uint64         `json:"refused"`
	Overtaken             uint64         `json:"overtaken"`
	Flapping              []flappingHost `json:"flapping"`
	Suspected             uint64         `json:"suspected"`
	Recovered             uint64         `json:"recovered"`
	HeldByLimit           uint64         `json:"heldByLimit"`
	HeldByConfirm         uint64         `json:"heldByConfirm"`
	Confirm               confirmStats   `json:"confirm"`
	ConfirmFailures       uint64         `json:"confirmFailures"`
	PolicyErrors          uint64         `json:"policyErrors"`

	Sweeps    uint64  `json:"sweeps"`
	Stalls    uint64  `json:"stalls"`
	StallTime seconds `json:"stallTime"`

	Cleanup      cleanupStats  `json:"cleanup"`
	Recorder     recorderStats `json:"recorder"`
	LogLinesLost uint64        `json:"logLinesLost"`
	Shadow       shadowStats   `json:"shadow"`
	Latency      latencyStats  `json:"latency"`
	Sharing      *sharingStats `json:"sharing"` // nil: the registry is not shared
}

type zoneStats struct {
	Name       string         `json:"name"`
	Hosts      int            `json:"hosts"`
	Suspects   int            `json:"suspects"`
	Held       int            `json:"held"`
	Hold       string         `json:"hold"`
	HoldUntil  stamp          `json:"holdUntil"`
	Departures departureStats `json:"departures"`
	Lost       lostStats      `json:"lost"`
}

type lostStats struct {
	Evicted int   `json:"evicted"` // in the last 5 minutes
	Of      int   `json:"of"`
	Last    stamp `json:"last"`
}

func lostOf(evicted, of int, last time.Time) lostStats { return lostStats{evicted, of, stamp(last)} }

type departureStats struct {
	Left      uint64 `json:"left"`
	Evicted   uint64 `json:"evicted"`
	Replaced  uint64 `json:"replaced"`
	Forgotten uint64 `json:"forgotten"`
}

type flappingHost struct {
	ID        string `json:"id"`
	Evictions int    `json:"evictions"`
	Last      stamp  `json:"last"`
}

type confirmStats struct {
	Waiting     int    `json:"waiting"`
	Asked       int    `json:"asked"`
	OldestAsked stamp  `json:"oldestAsked"`
	Refused     uint64 `json:"refused"`
	Timeouts    uint64 `json:"timeouts"`
	LeftBehind  int    `json:"leftBehind"`
}

type cleanupStats struct {
	Pending       int    `json:"pending"`
	OldestPending stamp  `json:"oldestPending"`
	Failures      uint64 `json:"failures"`
	GivenUp       uint64 `json:"givenUp"`
	AwaitingWhile int    `json:"awaitingWhile"`
	Running       int    `json:"running"`
	OldestRunning stamp  `json:"oldestRunning"`
	LeftBehind    int    `json:"leftBehind"`
	Timeouts      uint64 `json:"timeouts"`
}

type recorderStats struct {
	Records  uint64 `json:"records"`
	Lost     uint64 `json:"lost"`
	Failures uint64 `json:"failures"`
}

type shadowStats struct {
	Evictions uint64 `json:"evictions"`
	Rejoined  uint64 `json:"rejoined"`
}

type latencyStats struct {
	Detection            spread `json:"detection"`
	CleanupAfterLeave    spread `json:"cleanupAfterLeave"`
	CleanupAfterEviction spread `json:"cleanupAfterEviction"`
	SweepDuration        spread `json:"sweepDuration"`
	SweepDelay           spread `json:"sweepDelay"`
}

func latenciesOf(s *hostmgr.Stats) latencyStats {
	l := &s.Latency
	return latencyStats{
		Detection:            spreadOf(l.Detection),
		CleanupAfterLeave:    spreadOf(l.CleanupAfterLeave),
		CleanupAfterEviction: spreadOf(l.CleanupAfterEviction),
		SweepDuration:        spreadOf(l.SweepDuration),
		SweepDelay:           spreadOf(l.SweepDelay),
	}
}

func confirmOf(s *hostmgr.Stats) confirmStats {
	c := &s.Confirm
	return confirmStats{c.Waiting, c.Asked, stamp(c.OldestAsked), c.Refused, c.Timeouts, c.LeftBehind}
}

func cleanupOf(s *hostmgr.Stats) cleanupStats {
	c := &s.Cleanup
	return cleanupStats{
		c.Pending, stamp(c.OldestPending), c.Failures, c.GivenUp, c.AwaitingWhile,
		c.Running, stamp(c.OldestRunning), c.LeftBehind, c.Timeouts,
	}
}

func flappingOf(s *hostmgr.Stats) []flappingHost {
	list := []flappingHost{}
	for _, f := range s.Flapping {
		list = append(list, flappingHost{f.ID, f.Evictions, stamp(f.Last)})
	}
	return list
}

func zonesOf(s *hostmgr.Stats) []zoneStats {
	zones := []zoneStats{}
	for _, z := range s.Zones {
		zones = append(zones, zoneStats{
			z.Name, z.Hosts, z.Suspects, z.Held, z.Hold.String(), stamp(z.HoldUntil),
			departureStats(z.Departures), lostOf(z.Lost.Evicted, z.Lost.Of, z.Lost.Last),
		})
	}
	return zones
}

// stats returns the figures as they are now.
func (h *Handler[M]) stats() *stats { return h.statsOf(h.Registry.Stats(), h.now()) }

func (h *Handler[M]) statsOf(s hostmgr.Stats, now time.Time) *stats {
	sharing := h.sharing()
	list := alerts(&s, sharing, h.recent(s, now), now)
	return &stats{
		Now: stamp(now), Viewers: h.feed.count(), Summary: summary(s, list), Alerts: list,
		Replica: h.replica(), Began: stamp(s.Began), Settings: h.settings(sharing),
		Hosts: s.Hosts, Suspects: s.Suspects, Held: s.Held, Lost: lostOf(s.Lost.Evicted, s.Lost.Of, s.Lost.Last),
		Zones: zonesOf(&s), Hold: s.Hold.String(), HoldUntil: stamp(s.HoldUntil), AdvisedInterval: seconds(s.AdvisedInterval),
		Joins: s.Joins, Departures: departureStats(s.Departures), RejoinedAfterEviction: s.RejoinedAfterEviction,
		Conflicts: s.Conflicts, Refused: s.Refused, Overtaken: s.Overtaken, Flapping: flappingOf(&s),
		Suspected: s.Suspected, Recovered: s.Recovered,
		HeldByLimit: s.HeldByLimit, HeldByConfirm: s.HeldByConfirm,
		Confirm: confirmOf(&s), ConfirmFailures: s.ConfirmFailures, PolicyErrors: s.PolicyErrors,
		Sweeps: s.Sweeps, Stalls: s.Stalls, StallTime: seconds(s.StallTime),
		Cleanup:      cleanupOf(&s),
		Recorder:     recorderStats(s.Recorder),
		LogLinesLost: s.LogLinesLost,
		Shadow:       shadowStats(s.Shadow),
		Latency:      latenciesOf(&s),
		Sharing:      sharing,
	}
}

// A point is a point of the chart: the numbers of hosts, and what was counted since the previous
// point.
type point struct {
	At              stamp  `json:"at"`
	Hosts           int    `json:"hosts"`
	Suspects        int    `json:"suspects,omitempty"`
	Held            int    `json:"held,omitempty"`
	Joins           uint64 `json:"joins,omitempty"`
	Left            uint64 `json:"left,omitempty"`
	Evicted         uint64 `json:"evicted,omitempty"`
	Replaced        uint64 `json:"replaced,omitempty"`
	Forgotten       uint64 `json:"forgotten,omitempty"`
	Rejoined        uint64 `json:"rejoined,omitempty"`
	CleanupFailures uint64 `json:"cleanupFailures,omitempty"`
	CleanupTimeouts uint64 `json:"cleanupTimeouts,omitempty"`
	CleanupsGivenUp uint64 `json:"cleanupsGivenUp,omitempty"`
	ConfirmFailures uint64 `json:"confirmFailures,omitempty"`
	ConfirmTimeouts uint64 `json:"confirmTimeouts,omitempty"`
	Conflicts       uint64 `json:"conflicts,omitempty"`
	Refused         uint64 `json:"refused,omitempty"`
	Stalls          uint64 `json:"stalls,omitempty"`

	RecordsLost      uint64 `json:"recordsLost,omitempty"`
	RecorderFailures uint64 `json:"recorderFailures,omitempty"`
}

func pointOf(before, s hostmgr.Stats, now time.Time) point {
	return point{
		At: stamp(now), Hosts: s.Hosts, Suspects: s.Suspects, Held: s.Held,
		Joins: s.Joins - before.Joins, Left: s.Departures.Left - before.Departures.Left, Evicted: s.Departures.Evicted - before.Departures.Evicted,
		Replaced: s.Departures.Replaced - before.Departures.Replaced, Forgotten: s.Departures.Forgotten - before.Departures.Forgotten,
		Rejoined:        s.RejoinedAfterEviction - before.RejoinedAfterEviction,
		CleanupFailures: s.Cleanup.Failures - before.Cleanup.Failures,
		CleanupTimeouts: s.Cleanup.Timeouts - before.Cleanup.Timeouts,
		CleanupsGivenUp: s.Cleanup.GivenUp - before.Cleanup.GivenUp,
		ConfirmFailures: s.ConfirmFailures - before.ConfirmFailures,
		ConfirmTimeouts: s.Confirm.Timeouts - before.Confirm.Timeouts,
		Conflicts:       s.Conflicts - before.Conflicts,
		Refused:         s.Refused - before.Refused,
		Stalls:          s.Stalls - before.Stalls,

		RecordsLost:      s.Recorder.Lost - before.Recorder.Lost,
		RecorderFailures: s.Recorder.Failures - before.Recorder.Failures,
	}
}
