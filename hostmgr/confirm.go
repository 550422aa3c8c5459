package hostmgr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// holdPause is the time after which a host that is held is looked at again.
const holdPause = time.Second

// A hold is why a host that is due is still here.
type hold struct {
	since int64
	by    string
}

// hold notes why a due host stays. The caller holds mu.
func (r *Registry[M]) hold(l *life[M], by string, now int64) {
	if r.holds == nil {
		r.holds = map[*life[M]]hold{}
	}
	h, ok := r.holds[l]
	if !ok {
		h.since = now
	}
	h.by = by
	r.holds[l] = h
}

// release forgets why a host was held; the map itself goes with its last entry,
// for maps do not shrink. The caller holds mu.
func (r *Registry[M]) release(l *life[M]) {
	delete(r.holds, l)
	if len(r.holds) == 0 {
		r.holds = nil
	}
}

// ask puts due hosts before Confirm, a batch at a time, and evicts those that
// it lets go. If somebody asks already it leaves them held: they come up again.
func (r *Registry[M]) ask(ctx context.Context, due []*life[M], rep *SweepReport) {
	if len(due) == 0 || !r.asking.CompareAndSwap(false, true) {
		return
	}
	defer r.asking.Store(false)
	for len(due) > 0 && ctx.Err() == nil {
		k := min(len(due), pageSize)
		hosts := r.stillDue(due[:k])
		if len(hosts) > 0 {
			allowed, by := r.confirm(ctx, hosts)
			r.settle(due[:k], allowed, by, rep)
		}
		due = due[k:]
	}
}

func (r *Registry[M]) stillDue(lives []*life[M]) []Host[M] {
	hosts := r.snapshots(nil, lives, false)
	due := hosts[:0]
	for _, h := range hosts {
		if h.State == Offline {
			due = append(due, h)
		}
	}
	return due
}

// confirm calls Confirm, and returns the lives that may go and what holds the
// others. It survives whatever Confirm does to its goroutine.
func (r *Registry[M]) confirm(ctx context.Context, hosts []Host[M]) (allowed map[uint64]bool, by string) {
	err := errors.New("Confirm ended its goroutine")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Confirm panicked: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			allowed, by = nil, "Confirm failed"
			r.mu.Lock()
			r.counts.ConfirmFailures++
			r.unlock()
			r.cfg.Logger.Error("Confirm failed, its hosts are held", "hosts", len(hosts), "err", err)
		}
	}()
	var may []Host[M]
	may, err = r.cfg.Confirm(ctx, hosts)
	allowed = make(map[uint64]bool, len(may))
	for _, h := range may {
		allowed[h.Life] = true
	}
	return allowed, "refused by Confirm"
}

// settle evicts those that may go and are still due by now, and holds the rest.
func (r *Registry[M]) settle(lives []*life[M], allowed map[uint64]bool, by string, rep *SweepReport) {
	now := r.time.now()
	r.mu.Lock()
	defer r.unlock()
	for _, l := range lives {
		v := r.verdict(l, now)
		switch {
		case v.word < 0 || v.state != Offline:
			continue
		case !allowed[l.number]:
			r.hold(l, by, now)
		case l.word.evict(v.word):
			r.depart(l, Evicted, now)
			rep.Evicted++
			rep.Held--
		}
	}
}
