package share

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const simInterval = 10 * time.Second

// A simHost is a host, with its processes one after another.
type simHost struct {
	sim         *simulation
	id          string
	rnd         *rand.Rand
	style       int    // 0: it talks to one member, 1: to all, 2: to any
	home        int    // the member that it talks to
	assigned    bool   // it announces incarnation 0
	incarnation uint64 // of its process
	heartbeats  int
	version     int // of its metadata
}

func (s *simulation) newHost(i int) *simHost {
	return &simHost{
		sim: s, id: fmt.Sprintf("h%d", i), rnd: rand.New(rand.NewPCG(s.seed, uint64(100+i))),
		style: i % 3, home: s.rnd.IntN(len(s.members)), assigned: i/3%2 == 0, incarnation: 1,
	}
}

func (h *simHost) between(a, b time.Duration) time.Duration {
	return a + time.Duration(h.rnd.Int64N(int64(b-a)+1))
}

// live is all that the host does until the end of the simulation.
func (h *simHost) live() {
	time.Sleep(h.between(time.Second, 10*time.Second))
	for {
		if restarts := h.process(h.between(20*time.Second, 2*time.Minute+h.sim.troubled())); restarts {
			h.incarnation++
			continue
		}
		if h.rnd.IntN(3) > 0 {
			h.leave()
		}
		if h.rnd.IntN(2) == 0 || h.sim.isCalm() {
			return // for good
		}
		if h.incarnation++; h.rnd.IntN(3) > 0 { // otherwise it restarts at once
			time.Sleep(h.between(time.Second, time.Minute))
		}
	}
}

// process announces the host for some time. It reports whether the next process follows at once.
func (h *simHost) process(lasts time.Duration) (restarts bool) {
	end := time.Now().Add(lasts)
	for time.Now().Before(end) {
		if h.sim.mustRestart(h.id) {
			return true
		}
		next := simInterval - h.between(0, time.Second)
		if !h.contact() {
			next = time.Second
		}
		if h.rnd.IntN(20) == 0 {
			next += h.between(0, 15*time.Second) // it hangs
		}
		time.Sleep(next)
	}
	return false
}

// contact makes a contact in the style of the host. It reports whether any member took it.
func (h *simHost) contact() (ok bool) {
	n := len(h.sim.members)
	switch h.style {
	case 0:
		if ok = h.call(h.home, h.announceOrHeartbeat()); !ok {
			h.home = h.rnd.IntN(n)
		}
	case 1:
		for i := range n {
			ok = h.call(i, h.announceOrHeartbeat()) || ok
		}
	default:
		ok = h.call(h.rnd.IntN(n), h.announceOrHeartbeat())
	}
	return ok
}

// announceOrHeartbeat returns the request for a contact.
func (h *simHost) announceOrHeartbeat() func(*simMember) error {
	a := hostmgr.Announcement[string]{ID: h.id, Interval: simInterval, Zone: fmt.Sprint("z", len(h.id)%2)}
	if !h.assigned {
		a.Incarnation = h.incarnation
	}
	if h.heartbeats++; h.rnd.IntN(8) == 0 {
		h.version++
	}
	a.Metadata = fmt.Sprint(h.incarnation, " ", h.version)
	announces := h.heartbeats%4 == 1
	return func(m *simMember) error {
		began := time.Now()
		err := hostmgr.ErrUnknownHost
		if !announces {
			_, err = m.reg.Heartbeat(a.ID, a.Incarnation)
		}
		if errors.Is(err, hostmgr.ErrUnknownHost) {
			_, err = m.reg.Announce(a)
		}
		if err == nil {
			h.sim.oracle.contact(h.id, a.Incarnation, m, began)
		}
		return err
	}
}

// leave tells any member that the host leaves.
func (h *simHost) leave() {
	incarnation := h.incarnation
	if h.assigned {
		incarnation = 0
	}
	h.sim.oracle.leaves(h.id)
	for _, i := range h.rnd.Perm(len(h.sim.members)) {
		left := h.call(i, func(m *simMember) error {
			err := m.reg.Leave(context.Background(), h.id, incarnation)
			if errors.Is(err, hostmgr.ErrCleanupPending) {
				err = nil
			}
			return err
		})
		if left {
			return
		}
	}
}

// call makes a request, and waits for the answer for at most 2 s.
func (h *simHost) call(number int, request func(*simMember) error) bool {
	m := h.sim.member(number)
	done := make(chan error, 1)
	go func() { done <- m.serve(func() error { return request(m) }) }()
	select {
	case err := <-done:
		return err == nil
	case <-time.After(2 * time.Second):
		return false
	}
}
