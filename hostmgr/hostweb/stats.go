package hostweb

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// stats is the answer of api/stats.
type stats struct {
	Now     stamp    `json:"now"`
	Viewers int      `json:"viewers"`
	Summary string   `json:"summary"`
	Notices []notice `json:"notices"`

	Hosts    int         `json:"hosts"`
	Suspects int         `json:"suspects"`
	Held     int         `json:"held"`
	Zones    []zoneStats `json:"zones"`
	Guard    string      `json:"guard"`
	Advised  seconds     `json:"advised"`

	Joins     uint64 `json:"joins"`
	Left      uint64 `json:"left"`
	Evicted   uint64 `json:"evicted"`
	Replaced  uint64 `json:"replaced"`
	Forgotten uint64 `json:"forgotten"`
	Returned  uint64 `json:"returned"`
	Suspected uint64 `json:"suspected"`
	Recovered uint64 `json:"recovered"`

	HeldByGuard   uint64 `json:"heldByGuard"`
	HeldByConfirm uint64 `json:"heldByConfirm"`

	CleanupPending  int    `json:"cleanupPending"`
	CleanupOldest   stamp  `json:"cleanupOldest"`
	CleanupFailures uint64 `json:"cleanupFailures"`
	ConfirmFailures uint64 `json:"confirmFailures"`
	PolicyFaults    uint64 `json:"policyFaults"`

	Sweeps  uint64  `json:"sweeps"`
	Stalls  uint64  `json:"stalls"`
	Excused seconds `json:"excused"`

	Records          uint64 `json:"records"`
	RecordsLost      uint64 `json:"recordsLost"`
	RecorderFailures uint64 `json:"recorderFailures"`
	LogLinesLost     uint64 `json:"logLinesLost"`

	Shadow     shadowStats `json:"shadow"`
	Comparison *comparison `json:"comparison"`

	Detection            spread[seconds] `json:"detection"`
	CleanupAfterLeave    spread[seconds] `json:"cleanupAfterLeave"`
	CleanupAfterEviction spread[seconds] `json:"cleanupAfterEviction"`
	SweepDuration        spread[seconds] `json:"sweepDuration"`
	PeriodJitter         spread[seconds] `json:"periodJitter"`
	PeriodJitterShare    spread[float64] `json:"periodJitterShare"`
}

type zoneStats struct {
	Name     string `json:"name"`
	Hosts    int    `json:"hosts"`
	Suspects int    `json:"suspects"`
	Held     int    `json:"held"`
	Guard    string `json:"guard"`
}

type shadowStats struct {
	Evicted   uint64          `json:"evicted"`
	Returned  uint64          `json:"returned"`
	Later     uint64          `json:"later"`
	Spared    uint64          `json:"spared"`
	Detection spread[seconds] `json:"detection"`
	Latest    []shadowReturn  `json:"latest"`
}

type shadowReturn struct {
	ID       string `json:"id"`
	EvictAt  stamp  `json:"evictAt"`
	Returned stamp  `json:"returned"`
}

func shadowOf(s hostmgr.ShadowStats) shadowStats {
	latest := []shadowReturn{}
	for _, l := range s.Latest {
		latest = append(latest, shadowReturn{l.ID, stamp(l.EvictAt), stamp(l.Returned)})
	}
	return shadowStats{s.Evicted, s.Returned, s.Later, s.Spared, times(s.Detection), latest}
}

// stats are those of now.
func (h *Handler[M]) stats() *stats { return h.show(h.Registry.Stats(), h.now(), point{}) }

// show has a point that is not in the history yet count for what is recent.
func (h *Handler[M]) show(s hostmgr.Stats, now time.Time, p point) *stats {
	zones := []zoneStats{}
	for _, z := range s.Zones {
		zones = append(zones, zoneStats(z))
	}
	recent, viewers := h.feed.recent(now)
	recent.add(p)
	list := notices(s, recent, now)
	return &stats{
		Now: stamp(now), Viewers: viewers, Summary: summary(s, list), Notices: list,
		Hosts: s.Hosts, Suspects: s.Suspects, Held: s.Held, Zones: zones, Guard: s.Guard, Advised: seconds(s.Advised),
		Joins: s.Joins, Left: s.Left, Evicted: s.Evicted, Replaced: s.Replaced, Forgotten: s.Forgotten,
		Returned: s.Returned, Suspected: s.Suspected, Recovered: s.Recovered,
		HeldByGuard: s.HeldByGuard, HeldByConfirm: s.HeldByConfirm,
		CleanupPending: s.CleanupPending, CleanupOldest: stamp(s.CleanupOldest),
		CleanupFailures: s.CleanupFailures, ConfirmFailures: s.ConfirmFailures, PolicyFaults: s.PolicyFaults,
		Sweeps: s.Sweeps, Stalls: s.Stalls, Excused: seconds(s.Excused),
		Records: s.Records, RecordsLost: s.RecordsLost, RecorderFailures: s.RecorderFailures,
		LogLinesLost: s.LogLinesLost,
		Shadow:       shadowOf(s.Shadow), Comparison: compared(s),
		Detection:            times(s.Detection),
		CleanupAfterLeave:    times(s.CleanupAfterLeave),
		CleanupAfterEviction: times(s.CleanupAfterEviction),
		SweepDuration:        times(s.SweepDuration),
		PeriodJitter:         times(s.PeriodJitter),
		PeriodJitterShare:    shares(s.PeriodJitterShare),
	}
}

// A point is one of the chart's: how many there were, and what happened since the point before.
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
	Returned        uint64 `json:"returned,omitempty"`
	CleanupFailures uint64 `json:"cleanupFailures,omitempty"`
	ConfirmFailures uint64 `json:"confirmFailures,omitempty"`
	Stalls          uint64 `json:"stalls,omitempty"`

	RecordsLost      uint64 `json:"recordsLost,omitempty"`
	RecorderFailures uint64 `json:"recorderFailures,omitempty"`
}

func pointOf(before, s hostmgr.Stats, now time.Time) point {
	return point{
		At: stamp(now), Hosts: s.Hosts, Suspects: s.Suspects, Held: s.Held,
		Joins: s.Joins - before.Joins, Left: s.Left - before.Left, Evicted: s.Evicted - before.Evicted,
		Replaced: s.Replaced - before.Replaced, Forgotten: s.Forgotten - before.Forgotten,
		Returned:        s.Returned - before.Returned,
		CleanupFailures: s.CleanupFailures - before.CleanupFailures,
		ConfirmFailures: s.ConfirmFailures - before.ConfirmFailures,
		Stalls:          s.Stalls - before.Stalls,

		RecordsLost:      s.RecordsLost - before.RecordsLost,
		RecorderFailures: s.RecorderFailures - before.RecorderFailures,
	}
}

// add sums up what is lost and gained, as far as there are notices of it.
func (p *point) add(o point) {
	p.Returned += o.Returned
	p.CleanupFailures += o.CleanupFailures
	p.ConfirmFailures += o.ConfirmFailures
	p.Stalls += o.Stalls
	p.RecordsLost += o.RecordsLost
	p.RecorderFailures += o.RecorderFailures
}
