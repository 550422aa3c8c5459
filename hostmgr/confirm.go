package hostmgr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const confirmBatch = 512

// A pendingEviction names a host that is due. The name finds the host again after its entry has
// moved.
type pendingEviction struct {
	id           string
	registration uint64
}

// A confirmRequest is one host that Confirm is asked about.
type confirmRequest[M any] struct {
	pendingEviction
	word int64 // the contact word when Confirm was asked
	host Host[M]
}

// confirmAll asks Confirm about hosts that are due, one batch at a time, and evicts the hosts that
// Confirm allows. If another goroutine is asking Confirm, it leaves the hosts held: the next sweep
// finds them again.
func (w *sweeper[M]) confirmAll(ctx context.Context, due []pendingEviction) {
	if len(due) == 0 || !w.r.confirming.CompareAndSwap(false, true) {
		return
	}
	defer w.r.confirming.Store(false)
	c := &confirmer[M]{*w}
	defer func() { w.rep = c.rep }()
	for len(due) > 0 && ctx.Err() == nil {
		n := min(len(due), confirmBatch)
		if asked := c.stillDue(due[:n]); len(asked) > 0 {
			allowed, otherwise := c.call(ctx, asked)
			c.apply(asked, allowed, otherwise)
		}
		due = due[n:]
	}
}

// A confirmer asks Confirm, with no lock held.
type confirmer[M any] struct{ sweeper[M] }

// stillDue returns requests for the hosts that are still due, and releases the others.
func (c *confirmer[M]) stillDue(due []pendingEviction) []confirmRequest[M] {
	s, now := c.r.lock()
	defer c.r.unlock()
	asked := make([]confirmRequest[M], 0, len(due))
	var a assessment
	for _, p := range due {
		e, ok := s.findPending(p)
		if !ok {
			c.rep.Held--
			continue
		}
		s.assess(&a, e, now)
		switch {
		case a.State != detector.StateOffline:
			s.release(e)
			c.rep.Held--
		case !s.holds.of(e).awaitsLimit:
			q := confirmRequest[M]{pendingEviction: p, word: a.Word}
			s.show(&q.host, e, p.id, &a)
			asked = append(asked, q)
		}
	}
	return asked
}

func (s *state[M]) findPending(p pendingEviction) (index.Entry, bool) {
	return s.find(s.index.Hash(p.id), p.id, p.registration)
}

// call calls Confirm. It returns the hosts that may be evicted, and the reason to hold the others.
// It returns even if Confirm panics or ends its goroutine.
func (c *confirmer[M]) call(ctx context.Context, asked []confirmRequest[M]) (allowed map[pendingEviction]bool, otherwise confirmation) {
	hosts := make([]Host[M], len(asked))
	for i, q := range asked {
		hosts[i] = q.host
	}
	err := errors.New("Confirm ended its goroutine")
	defer func() {
		if err != nil {
			allowed, otherwise = nil, confirmFailed
			c.failed(len(asked), err)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Confirm panicked: %v\n%s", p, debug.Stack())
		}
	}()
	var may []Host[M]
	may, err = c.r.cfg.Confirm(ctx, hosts)
	allowed = make(map[pendingEviction]bool, len(may))
	for _, h := range may {
		allowed[pendingEviction{h.ID, h.Registration}] = true
	}
	return allowed, refused
}

func (c *confirmer[M]) failed(hosts int, err error) {
	s, _ := c.r.lock()
	s.counts.ConfirmFailures++
	c.r.unlock()
	c.r.cfg.Logger.Error("Confirm failed, its hosts are held", "hosts", hosts, "err", brief(err))
}

// apply evicts the hosts that may be evicted, are still due, and had no contact since Confirm was
// asked: an answer is about the silence that Confirm was asked about. It holds the others.
func (c *confirmer[M]) apply(asked []confirmRequest[M], allowed map[pendingEviction]bool, otherwise confirmation) {
	c.observe()
	s, now := c.r.lock()
	defer c.r.unlock()
	for _, q := range asked {
		e, ok := s.findPending(q.pendingEviction)
		if !ok || s.applyAnswer(e, q.word, allowed[q.pendingEviction], otherwise, now, &c.rep) {
			c.rep.Held--
		}
	}
}

// applyAnswer evicts or holds one host. It returns whether the host is no longer held.
func (s *state[M]) applyAnswer(e index.Entry, word int64, allowed bool, otherwise confirmation, now int64, rep *SweepReport) (released bool) {
	var a assessment
	s.assess(&a, e, now)
	switch {
	case a.State != detector.StateOffline: // a stall moved its deadline, or there was a contact
		s.release(e)
		return true
	case a.Word != word: // it is due for another silence: Confirm is asked about that one
		return true
	case !allowed:
		s.holdByConfirm(e, otherwise, now)
		return false
	case s.evict(e, &a, now):
		s.index.Shrink(e)
		rep.Evicted++
		return true
	}
	return false
}
