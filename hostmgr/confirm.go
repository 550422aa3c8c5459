package hostmgr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

const confirmBatch = 512

// A candidate is a host that is due, named so that it is found again, wherever it
// has moved by then.
type candidate struct {
	id     string
	number uint64
}

// candidate finds it. The caller holds mu.
func (r *Registry[M]) candidate(c candidate) (life[M], bool) {
	l, ok := r.table.exactly(r.table.hash(c.id), c.id)
	return l, ok && l.key().number == c.number
}

// ask puts due hosts before Confirm, a batch at a time, and evicts those that
// it lets go. If somebody asks already it leaves them held: they come up again.
func (r *Registry[M]) ask(ctx context.Context, due []candidate, rep *SweepReport) {
	if len(due) == 0 || !r.asking.CompareAndSwap(false, true) {
		return
	}
	defer r.asking.Store(false)
	for len(due) > 0 && ctx.Err() == nil {
		k := min(len(due), confirmBatch)
		if asked := r.stillDue(due[:k], rep); len(asked) > 0 {
			allowed, by := r.confirm(ctx, asked)
			r.settle(asked, allowed, by, rep)
		}
		due = due[k:]
	}
}

// A question is one host that Confirm is asked about.
type question[M any] struct {
	candidate
	word int64 // when it was asked
	host Host[M]
}

// stillDue asks about those that are due by now, and lets go of the others.
func (r *Registry[M]) stillDue(due []candidate, rep *SweepReport) []question[M] {
	now := r.lock()
	defer r.unlock()
	asked := make([]question[M], 0, len(due))
	for _, c := range due {
		l, ok := r.candidate(c)
		if !ok {
			rep.Held--
			continue
		}
		v := r.verdict(l, now)
		h, _ := l.held()
		switch {
		case v.state != Offline:
			r.release(l)
			rep.Held--
		case !h.waits:
			q := question[M]{candidate: c, word: v.word}
			r.snapshot(&q.host, l, c.id, now)
			asked = append(asked, q)
		}
	}
	return asked
}

// confirm calls Confirm, and returns the lives that may go and what holds the
// others. It survives whatever Confirm does to its goroutine.
func (r *Registry[M]) confirm(ctx context.Context, asked []question[M]) (allowed map[candidate]bool, by string) {
	hosts := make([]Host[M], len(asked))
	for i, q := range asked {
		hosts[i] = q.host
	}
	err := errors.New("Confirm ended its goroutine")
	defer func() {
		if err != nil {
			allowed, by = nil, "Confirm failed"
			r.mu.Lock()
			r.counts.ConfirmFailures++
			r.unlock()
			r.cfg.Logger.Error("Confirm failed, its hosts are held", "hosts", len(asked), "err", brief(err))
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Confirm panicked: %v\n%s", p, debug.Stack())
		}
	}()
	var may []Host[M]
	may, err = r.cfg.Confirm(ctx, hosts)
	allowed = make(map[candidate]bool, len(may))
	for _, h := range may {
		allowed[candidate{h.ID, h.Life}] = true
	}
	return allowed, "refused by Confirm"
}

// settle evicts those that may go, are due still, and were not heard since Confirm
// was asked (an answer is about the silence that it was asked about), and holds the
// rest.
func (r *Registry[M]) settle(asked []question[M], allowed map[candidate]bool, by string, rep *SweepReport) {
	r.tick(rep)
	now := r.lock()
	defer r.unlock()
	for _, q := range asked {
		l, ok := r.candidate(q.candidate)
		if !ok {
			rep.Held--
			continue
		}
		v := r.verdict(l, now)
		switch {
		case v.state != Offline: // a stall gave it grace, if it was not heard
			r.release(l)
			rep.Held--
		case v.word != q.word: // it is due anew: to be asked about anew
			rep.Held--
		case !allowed[q.candidate]:
			r.refuse(l, by, now)
		case l.word().evict(v.word):
			r.evicted(l, &v, now)
			r.table.tidy(l.page)
			rep.Evicted++
			rep.Held--
		}
	}
}
