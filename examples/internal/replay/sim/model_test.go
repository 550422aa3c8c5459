package sim_test

import (
	"slices"
	"time"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/examples/internal/replay/sim"
	"github.com/hostlife/hostlife/hostmgr"
)

// A model is the simulation told naively, for policies without memory: host by host, every contact of
// contact, without a registry.
type model struct {
	sim.Figures
	c              *sim.Config
	net            sim.Network
	suspect, evict int64
	detections     []int64
	stale          int64

	// of the host
	node                   outage.Node
	known, suspected       bool
	heard, since           int64
	incarnation, evictedAt int64
	evictions              []eviction
	spells                 [][2]int64 // when it was registered
}

const never = int64(1) << 62

type eviction struct{ at, heard, back int64 }

func modelled(t *outage.Trace, c *sim.Config) *model {
	suspect, evict := c.Policy.Timeouts(hostmgr.History{Interval: c.Interval})
	m := &model{c: c, net: sim.NetworkOf(c), suspect: int64(suspect), evict: int64(evict)}
	for i, n := range t.Nodes {
		m.node, m.known, m.suspected, m.evictedAt = n, false, false, -1
		m.evictions, m.spells = nil, nil
		m.live(int32(i))
		m.judge()
	}
	slices.Sort(m.detections)
	return m
}

// live plays one host.
func (m *model) live(i int32) {
	n, interval := m.node, int64(m.c.Interval)
	m.join(n.From, 1)
	m.Contacts++
	last := n.From // arrival of the latest contact: none overtakes another
	for stretch := 0; stretch <= len(n.Outages); stretch++ {
		from, to := n.From, n.To
		if stretch > 0 {
			from = n.Outages[stretch-1].Up
		}
		if stretch < len(n.Outages) {
			to = n.Outages[stretch].Down
		}
		if stretch == 0 {
			from += m.net.Phase(i, interval)
		}
		for at := from; at < to; at += interval {
			arrival, ok := m.net.Send(i, at)
			if arrival = max(arrival, last); !ok {
				continue
			}
			if last = arrival; arrival >= n.To {
				break // and so do all that come after it
			}
			last = m.contact(i, arrival, int64(stretch)+1, stretch > 0 && at == from, to)
		}
	}
	m.pass(n.To)
	if m.known {
		m.spells = append(m.spells, [2]int64{m.since, n.To})
	}
}

// contact is a contact that arrives; it returns when what it led to has arrived.
func (m *model) contact(i int32, now, incarnation int64, announce bool, to int64) int64 {
	m.pass(now)
	m.Contacts++
	switch {
	case announce:
		m.join(now, incarnation)
	case m.known && m.incarnation == incarnation:
		m.hear(now)
	case now < to: // unknown, or of a former registration: it announces itself
		if arrival, ok := m.net.Send(i, now); ok && arrival < m.node.To {
			m.pass(arrival)
			m.Contacts++
			m.join(arrival, incarnation)
			return arrival
		}
	}
	return now
}

// pass lets time pass until now, before what happens then.
func (m *model) pass(now int64) {
	if !m.known {
		return
	}
	if m.suspect > 0 && m.suspect < m.evict && !m.suspected && m.heard+m.suspect+1 < now {
		m.suspected = true
		m.Suspicions++
	}
	if at := m.heard + m.evict + 1; at < now {
		m.Evictions++
		m.evictions = append(m.evictions, eviction{at, m.heard, never})
		m.spells = append(m.spells, [2]int64{m.since, at})
		m.known, m.suspected, m.evictedAt = false, false, at
	}
}

func (m *model) hear(now int64) {
	if m.suspected {
		m.Recovered++
	}
	m.heard, m.suspected = now, false
}

func (m *model) join(now, incarnation int64) {
	if m.evictedAt >= 0 {
		m.evictions[len(m.evictions)-1].back = now
		for _, r := range []struct {
			within time.Duration
			count  *int
		}{{5 * time.Minute, &m.Returned5}, {30 * time.Minute, &m.Returned30}} {
			if now-m.evictedAt <= int64(r.within) {
				*r.count++
			}
		}
	}
	if !m.known {
		m.since = now
	}
	m.known, m.suspected, m.evictedAt = true, false, -1
	m.heard, m.incarnation = now, incarnation
}

// judge sorts out what was seen of the host's outages.
func (m *model) judge() {
	right := make([]bool, len(m.evictions))
	for _, o := range m.node.Outages {
		m.Outages++
		detected, seen := false, false
		for k, e := range m.evictions {
			if !detected && e.at >= o.Down && e.at < o.Up {
				detected, right[k] = true, true
				m.detections = append(m.detections, e.at-o.Down)
			}
		}
		for _, s := range m.spells {
			if d := min(s[1], o.Up) - max(s[0], o.Down); d > 0 {
				m.stale += d / 1000
			}
			seen = seen || s[0] < o.Up && s[1] >= o.Up
		}
		m.count(o, detected, seen)
	}
	for k, e := range m.evictions {
		wrong := !right[k] && m.up(e.heard, e.at)
		if wrong {
			m.False++
		} else if !right[k] {
			m.Late++
		}
		if wrong || e.back-e.at <= int64(30*time.Minute) {
			m.Needless++
		}
	}
}

func (m *model) count(o outage.Outage, detected, seen bool) {
	switch {
	case detected:
		m.Detected++
	case !seen:
		m.Unseen++
	case o.Up < m.node.To:
		m.Missed++
	default:
		m.Open++
	}
}

// up tells whether the host was up all the time.
func (m *model) up(from, to int64) bool {
	for _, o := range m.node.Outages {
		if o.Down <= to && o.Up > from {
			return false
		}
	}
	return true
}
