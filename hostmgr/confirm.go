package hostmgr

import (
	"context"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const confirmBatch = 512

// An asker asks Confirm about the hosts in the queue, one batch at a time, with no lock held. There
// is one asker at a time, so a Sweep within Confirm asks about no host.
type asker[M any] struct {
	sweeper[M]
	budget int // how many hosts it still takes from the queue
}

// A batch has the hosts of one call of Confirm.
type batch[M any] struct {
	turns []*turn
	hosts []Host[M]
}

// confirm asks Confirm about the hosts that wait now, and evicts the hosts that Confirm allows. If
// another goroutine is asking Confirm, it leaves them to that goroutine or to the next sweep.
func (w *sweeper[M]) confirm(ctx context.Context) {
	if w.r.cfg.Confirm == nil || ctx.Err() != nil {
		return
	}
	if a := (&asker[M]{sweeper: *w}); a.begin() {
		a.run(ctx)
		w.rep = a.rep
	}
}

// begin returns whether there are hosts to ask about, no other asker, and not too many calls that
// were left behind. Then run must follow. The budget makes sure that a Sweep ends.
func (a *asker[M]) begin() (ok bool) {
	s, _ := a.r.lock()
	defer a.r.unlock()
	a.budget = s.confirms.waiting
	if s.confirms.asking || a.budget == 0 || s.confirmCalls.Stats().LeftBehind >= maxConfirmsLeftBehind {
		return false
	}
	s.confirms.asking = true
	return true
}

// run asks about batch after batch until the budget is used up, the queue is empty, ctx ends, or a
// call is left behind.
func (a *asker[M]) run(ctx context.Context) {
	defer a.end()
	for left := false; !left && a.budget > 0 && ctx.Err() == nil; {
		b, more := a.take()
		if !more {
			return
		}
		if len(b.turns) > 0 {
			var ans answer
			ans, left = a.call(ctx, b.hosts)
			a.apply(b, ans)
		}
	}
}

// end lets the next asker begin. It wakes Run if there are hosts for one.
func (a *asker[M]) end() {
	s, _ := a.r.lock()
	defer a.r.unlock()
	s.confirms.asking = false
	s.todo.replan = s.todo.replan || s.confirms.waiting > 0
	a.rep.Held = s.limiter.All().Held
}

// take takes a batch from the front of the queue. It releases hosts that are no longer due. more is
// false if the queue was empty.
func (a *asker[M]) take() (b batch[M], more bool) {
	s, now := a.r.lock()
	defer a.r.unlock()
	n := min(a.budget, s.confirms.waiting, confirmBatch)
	a.budget -= n
	b = batch[M]{make([]*turn, 0, n), make([]Host[M], 0, n)}
	for range n {
		s.ask(&b, s.confirms.next(), now)
	}
	s.confirms.asked, s.confirms.askedAt = len(b.turns), now
	return b, n > 0
}

// ask adds a host to the batch, unless it is no longer due.
func (s *state[M]) ask(b *batch[M], t *turn, now int64) {
	e, _ := s.find(t.hash, t.id, t.registration) // its departure would have ended the turn
	var a assessment
	if s.assess(&a, e, now); a.State != detector.StateOffline {
		s.release(e)
		return
	}
	if t.word = a.Word; !t.counted {
		t.counted = true
		s.counts.HeldByConfirm++
	}
	b.turns, b.hosts = append(b.turns, t), append(b.hosts, Host[M]{})
	s.show(&b.hosts[len(b.hosts)-1], e, t.id, &a)
}

// apply evicts the hosts that may be evicted, are still due, and had no contact since Confirm was
// asked: an answer is about the silence that Confirm was asked about. It holds the others.
func (a *asker[M]) apply(b batch[M], ans answer) {
	a.observe()
	s, now := a.r.lock()
	defer a.r.unlock()
	s.confirms.asked = 0
	for _, t := range b.turns {
		if s.applyAnswer(t, ans, now) {
			a.rep.Evicted++
		}
	}
}

// applyAnswer evicts or holds one host. It does nothing if the silence has ended that Confirm was
// asked about: the hold has ended with it.
func (s *state[M]) applyAnswer(t *turn, ans answer, now int64) (evicted bool) {
	if t.state == ended {
		return false
	}
	e, _ := s.find(t.hash, t.id, t.registration)
	var a assessment
	s.assess(&a, e, now)
	switch allowed := ans.allowed[pendingEviction{t.id, t.registration}]; {
	case a.State != detector.StateOffline: // a stall moved its deadline
		s.release(e)
	case a.Word != t.word: // it is due for another silence: Confirm is asked about that one
		s.holdOn(e, t, awaitsConfirm, now)
	case !allowed:
		s.holdOn(e, t, ans.otherwise, now)
	case s.vouches != nil:
		s.holdOn(e, t, awaitsMembers, now)
		s.local.note(e, &s.todo.wake)
	case s.evict(e, &a, now):
		s.index.Shrink(e)
		return true
	default: // there was a contact at this moment
		s.holdOn(e, t, awaitsConfirm, now)
	}
	return false
}
