package index

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

// A modelHost is what the model knows of one host.
type modelHost struct {
	number        uint64
	contact       int64
	timeouts      *detector.Timeouts
	suspect, held bool
	zone          uint8
	arrivals      detector.Arrivals
}

func (h *modelHost) deadline() int64 {
	t := h.arrivals.Override(*h.timeouts)
	return h.contact + int64(t.Evict) + 1
}

// A model is an index, and the same in a map.
type model struct {
	x       *Index
	learns  bool
	choice  []*detector.Timeouts
	hosts   map[string]*modelHost
	names   []string // that joined, also of hosts that are gone
	numbers uint64
	now     int64

	walk Cursor          // under way
	met  map[uint64]bool // by it
	from map[uint64]bool // hosts that are there since it began
}

// hash spreads ids over the index; each tenth shares its hash with another, each third begins its
// search near the end of a bucket.
func (m *model) hash(id string) Hash {
	n := len(id)
	for _, c := range id {
		n = n*31 + int(c)
	}
	if n%10 == 0 {
		n /= 100
	}
	h := uint64(n+1) * 0x9e3779b97f4a7c15
	if n%3 == 0 {
		h |= 0xffffff00
	}
	return Hash(max(1, h))
}

func (m *model) lookup(t require.TestingT, id string) Entry {
	e, ok := m.x.Lookup(m.hash(id), id)
	require.Equal(t, m.hosts[id] != nil, ok, id)
	return e
}

func newModel(learns bool) *model {
	m := &model{x: New(valuesOf[string](), learns), learns: learns, hosts: map[string]*modelHost{}, now: 100 * second}
	for i := range 20 {
		t := every(time.Duration(i+1) * time.Second)
		t.NeedsHistory = learns
		m.choice = append(m.choice, t)
	}
	return m
}

func (m *model) join(id string, timeouts *detector.Timeouts) {
	m.numbers++
	e := insertAt(m.x, m.hash(id), id, m.numbers, timeouts, m.now)
	e.SetZone(uint8(m.numbers))
	m.hosts[id] = &modelHost{number: m.numbers, contact: m.now, timeouts: timeouts, zone: uint8(m.numbers)}
	if !slices.Contains(m.names, id) {
		m.names = append(m.names, id)
	}
}

func (m *model) leave(t require.TestingT, id string) {
	e := m.lookup(t, id)
	require.Equal(t, m.hosts[id].contact, e.End())
	m.x.Remove(e)
	m.x.Shrink(e)
	m.forget(id)
}

func (m *model) forget(id string) {
	delete(m.from, m.hosts[id].number)
	delete(m.hosts, id)
}

// anyID draws the id of a host that is, or was, there.
func (m *model) anyID(t *rapid.T) string {
	if len(m.names) == 0 {
		t.Skip("no host yet")
	}
	return rapid.SampledFrom(m.names).Draw(t, "id")
}

// someID draws the id of a host that is there.
func (m *model) someID(t *rapid.T) string {
	id := m.anyID(t)
	if m.hosts[id] == nil {
		t.Skip("gone")
	}
	return id
}

func (m *model) Insert(t *rapid.T) {
	id := fmt.Sprint(rapid.IntRange(0, 1<<20).Draw(t, "n"))
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		id += strings.Repeat("x", 100)
	}
	if m.hosts[id] == nil {
		m.join(id, rapid.SampledFrom(m.choice).Draw(t, "timeouts"))
	}
}

func (m *model) InsertMany(t *rapid.T) {
	from := rapid.IntRange(0, 1<<10).Draw(t, "from") << 12
	for i := range rapid.IntRange(0, 3000).Draw(t, "many") {
		if id := fmt.Sprint(from + i); m.hosts[id] == nil {
			m.numbers++
			zone := uint8(from>>12)%3 + 60
			insertAt(m.x, m.hash(id), id, m.numbers, m.choice[i%20], m.now).SetZone(zone)
			m.hosts[id] = &modelHost{number: m.numbers, contact: m.now, timeouts: m.choice[i%20], zone: zone}
		}
	}
}

func (m *model) Replace(t *rapid.T) {
	id := m.someID(t)
	was := *m.hosts[id]
	m.numbers++
	h := m.hash(id)
	m.x.Reserve(h)
	old := m.lookup(t, id)
	e := m.x.Insert(h, &Host{ID: id, Timeouts: was.timeouts, Incarnation: m.numbers + 1000, Registration: m.numbers, Contact: m.now, Joined: m.now - 1})
	*valueOf[string](e) = id
	e.SetZone(7)
	require.Equal(t, old, m.lookup(t, id), "the older one is found")
	old.End()
	m.x.Remove(old)
	m.x.Lower(e, m.now+was.timeouts.MinTimeout(false)+1)
	m.forget(id)
	m.hosts[id] = &modelHost{number: m.numbers, contact: m.now, timeouts: was.timeouts, zone: 7}
}

func (m *model) Leave(t *rapid.T) { m.leave(t, m.someID(t)) }

func (m *model) LeaveMany(t *rapid.T) {
	most := rapid.IntRange(0, 3000).Draw(t, "most")
	var leaving []string
	for id := range m.hosts {
		leaving = append(leaving, id)
	}
	slices.Sort(leaving)
	for _, id := range leaving[:min(most, len(leaving))] {
		m.leave(t, id)
	}
}

// Touch is a heartbeat of a host that may be gone, or whose word may be a suspect's. The heartbeat
// of a host that is gone may be taken for one of another host with the same hash: see Hash.
func (m *model) Touch(t *rapid.T) {
	id := m.anyID(t)
	at := m.now - rapid.Int64Range(0, 3*second).Draw(t, "ago")
	h, host := m.hash(id), m.hosts[id]
	header, ok := m.x.Touch(h, 0, at)
	if ok && host == nil {
		host = m.twin(h, header.Registration)
	}
	if ok {
		require.False(t, host == nil || host.suspect)
		require.Equal(t, Header{host.timeouts.Interval, host.number + 1000, host.number}, header)
	} else if e, there := m.x.Lookup(h, id); there {
		was, live := e.Touch(at)
		require.True(t, live)
		require.Equal(t, host.suspect && at > host.contact, IsSuspect(was))
	}
	if host != nil && at > host.contact {
		host.contact, host.suspect = at, false
	}
}

// twin returns the host with a hash and a number, or nil.
func (m *model) twin(h Hash, number uint64) *modelHost {
	for id, host := range m.hosts {
		if host.number == number && m.hash(id) == h {
			return host
		}
	}
	return nil
}

func (m *model) Change(t *rapid.T) {
	id := m.someID(t)
	e, host := m.lookup(t, id), m.hosts[id]
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		host.timeouts = rapid.SampledFrom(m.choice).Draw(t, "timeouts")
		if host.timeouts.Interval == e.Interval() {
			host.arrivals.Outdate()
		} else {
			host.arrivals.Reset()
		}
		e.SetTimeouts(host.timeouts)
		m.x.Lower(e, host.contact+host.timeouts.MinTimeout(host.suspect)+1)
	case 1:
		host.held = !host.held
		e.SetHeld(host.held)
		if !host.held { // its last check allowed for a second of hold
			m.x.Lower(e, host.deadline())
		}
	case 2:
		host.zone++
		e.SetZone(host.zone)
	default:
		e.MarkSuspect(e.Word())
		host.suspect = true
	}
}

// Answer is that of a policy, to the history of a host.
func (m *model) Answer(t *rapid.T) {
	id := m.someID(t)
	if !m.learns {
		t.Skip("no history")
	}
	e, host := m.lookup(t, id), m.hosts[id]
	require.True(t, e.Learn(second))
	host.arrivals.Add(second, host.timeouts.Interval)
	asked, interval, current := e.Arrivals()
	require.True(t, current)
	require.Equal(t, host.timeouts.Interval, interval)
	answer := every(host.timeouts.Interval * time.Duration(rapid.IntRange(1, 3).Draw(t, "times")))
	require.True(t, e.Answer(answer, &asked))
	host.arrivals.Answer(answer, &asked)
	m.x.Lower(e, host.deadline())
}

// Sweep lets time pass, and evicts all that are due and not held.
func (m *model) Sweep(t *rapid.T) {
	m.now += rapid.Int64Range(0, 10*second).Draw(t, "later")
	m.x.LowerHeld(m.now)
	check := func(e Entry) int64 {
		host := m.hosts[e.ID()]
		at := host.deadline()
		switch {
		case at > m.now:
			return at
		case host.held:
			return m.now + second
		}
		m.forget(strings.Clone(e.ID()))
		require.True(t, e.Evict(e.Word()))
		m.x.Remove(e)
		return never
	}
	for more := m.x.NextDeadline() <= m.now; more; {
		_, more = m.x.SweepNext(m.now, m.now, check)
	}
	require.Greater(t, m.x.NextDeadline(), m.now)
	for id, host := range m.hosts {
		if host.deadline() <= m.now && !host.held {
			t.Fatalf("host %s is still there", id)
		}
	}
}
