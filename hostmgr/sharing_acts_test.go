package hostmgr_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// These are what happens to the hosts of a sharingModel.

func (m *sharingModel) announce(id string) {
	h := m.hosts[id]
	a := hostmgr.Announcement[large]{ID: id, Interval: m.someInterval(), Zone: m.someZone()}
	m.data++
	a.Metadata[128] = m.data
	switch {
	case m.rnd.IntN(4) == 0:
		a.Incarnation = m.next()
	case h != nil && h.told != 0 && m.rnd.IntN(2) == 0:
		a.Incarnation = h.told
	}
	ack, err := m.r.Announce(a)
	if h != nil && a.Incarnation != 0 && a.Incarnation != h.told {
		if a.Incarnation < h.incarnation {
			require.ErrorIs(m.t, err, hostmgr.ErrStale)
			return
		}
		m.depart(id, true)
		h = nil
	}
	require.NoError(m.t, err)
	if h == nil {
		h = &sharedHost{registration: ack.Registration, incarnation: ack.Incarnation, assigned: a.Incarnation == 0, zone: a.Zone}
		if m.hosts[id] = h; h.assigned {
			h.told = h.incarnation
		}
	}
	require.Equal(m.t, h.registration, ack.Registration)
	h.interval, h.data = a.Interval, m.data
	if a.Zone != "" {
		h.zone = a.Zone
	}
	m.touch(id, m.now())
	m.change(id)
}

// reflect reflects a host of the table, under numbers of each kind.
func (m *sharingModel) reflect(id string) {
	h := m.hosts[id]
	x := hostmgr.Host[large]{ID: id, Interval: m.someInterval(), Zone: m.someZone(), Registration: m.next()}
	x.Incarnation = x.Registration
	m.data++
	x.Metadata[128] = m.data
	r := shared.Reflection{Keeper: uint8(m.rnd.IntN(4)), Suspect: m.rnd.IntN(4) == 0, KeepContent: m.rnd.IntN(4) == 0}
	want := shared.Reflected
	same, renumbered := false, false
	switch kind := m.rnd.IntN(6); {
	case kind == 0 && len(m.ended) > 0:
		ended := m.ended[m.rnd.IntN(len(m.ended))]
		x.ID, x.Registration, want = ended.id, ended.registration, shared.Departed
	case h == nil && kind == 5 && m.parted[id].host.incarnation != 0: // the same process
		x.Incarnation = m.parted[id].host.incarnation
	case h == nil:
		r.Assigned = kind < 3
	case kind == 1:
		x.Registration, x.Incarnation, r.Assigned, same = h.registration, h.incarnation, h.assigned, true
	case kind == 2:
		x.Incarnation, r.Assigned, renumbered = h.incarnation, h.assigned, true
	case kind == 3 && h.incarnation > 1:
		x.Incarnation = 1
		want = shared.NewerHere
	case kind == 4 && h.assigned:
		r.Assigned, renumbered = true, true
	case x.Incarnation < h.incarnation:
		want = shared.NewerHere
	}
	got, err := m.Reflect(x, r)
	require.NoError(m.t, err)
	require.Equal(m.t, want, got)
	if got != shared.Reflected {
		return
	}
	if h != nil && !same && !renumbered {
		m.depart(id, true)
		h = nil
	}
	if h == nil {
		h = &sharedHost{}
		m.hosts[id] = h
		if p, ok := m.parted[id]; ok && m.now().Sub(p.at) <= 30*second &&
			(p.host.incarnation == x.Incarnation || p.host.assigned && r.Assigned) {
			h.heard = p.host.heard
			delete(m.parted, id)
		}
	}
	was := h.registration
	keep := (same || renumbered) && (r.KeepContent || h.announced)
	if h.registration, h.incarnation, h.assigned = x.Registration, x.Incarnation, r.Assigned; !keep {
		h.interval, h.zone, h.data = x.Interval, x.Zone, m.data
	}
	m.assign(h, was, r)
}

// assign is what Reflect and Assign do with a keeper and its suspicion.
func (m *sharingModel) assign(h *sharedHost, was uint64, r shared.Reflection) {
	if until := m.until[h.keeper]; h.keeper != 0 && r.Keeper == 0 && until.Before(m.now()) && until.After(h.heard) {
		h.heard = until
	}
	h.awaited = h.awaited && h.keeper == r.Keeper && h.registration == was
	h.keeper, h.assigned = r.Keeper, r.Assigned
	h.doubted = r.Suspect && r.Keeper != 0 && m.state(h, true) >= hostmgr.StateSuspect
}

func (m *sharingModel) vouch() {
	k, d := uint8(1+m.rnd.IntN(3)), time.Duration(m.rnd.IntN(8)-2)*second
	m.Vouch(k, d)
	m.until[k] = m.now().Add(d)
}

// settle settles a host, perhaps after a contact.
func (m *sharingModel) settle(id string) {
	h := m.hosts[id]
	_, p, _ := m.Look(id)
	if h.interval == hostmgr.Never {
		require.False(m.t, p.Due)
	}
	want := shared.Saved
	if p.Due && m.state(h, false) == hostmgr.StateOffline {
		want = shared.Evicted
	}
	if m.rnd.IntN(4) == 0 {
		m.heartbeat(id)
		want = shared.Saved
	}
	switch m.rnd.IntN(8) {
	case 0:
		require.Equal(m.t, shared.TooLate, m.Settle(id, h.registration, p.Word, p.Now, time.Time{}))
		return
	case 1:
		require.Equal(m.t, shared.Unknown, m.Settle(id, h.registration+1<<50, p.Word, p.Now, m.now().Add(1)))
		return
	}
	require.Equal(m.t, want, m.Settle(id, h.registration, p.Word, p.Now, m.now().Add(1)))
	if want == shared.Evicted {
		m.depart(id, true)
	}
}

func (m *sharingModel) heartbeat(id string) {
	_, err := m.r.Heartbeat(id, m.hosts[id].told*m.rnd.Uint64N(2))
	require.NoError(m.t, err)
	m.touch(id, m.now())
}

func (m *sharingModel) departElsewhere(id string) {
	d := &hostmgr.Departure[large]{Kind: hostmgr.DepartureEvicted}
	h := m.hosts[id]
	if d.Host.ID, d.Host.Registration = id, h.registration; !h.heard.IsZero() && m.state(h, true) < hostmgr.StateOffline {
		m.parted[id] = sharedParting{*h, m.now()}
	}
	require.True(m.t, m.Depart(d))
	require.False(m.t, m.Depart(d))
	m.depart(id, false)
}

// take takes all, or a part.
func (m *sharingModel) take(all bool) {
	n := m.rnd.IntN(3)
	if all {
		n = 1 << 20
	}
	changed, departed := m.Take(n, n)
	for _, x := range changed {
		require.True(m.t, m.may[x.ID], "%s has not changed here", x.ID)
		if delete(m.must, x.ID); m.hosts[x.ID] != nil {
			require.Equal(m.t, m.hosts[x.ID].announced, x.Content, x.ID)
			m.hosts[x.ID].announced = false
		}
	}
	for _, d := range departed {
		require.Equal(m.t, m.ended[0], sharedEnd{d.Host.ID, d.Host.Registration})
		m.ended = m.ended[1:]
	}
	if all {
		require.Empty(m.t, m.must)
		require.Empty(m.t, m.ended)
		clear(m.may)
	}
}

func (m *sharingModel) sweep() {
	for id, h := range m.hosts {
		if h.interval != hostmgr.Never || h.doubted {
			m.may[id] = true
		}
	}
	m.r.Sweep(context.Background())
}
