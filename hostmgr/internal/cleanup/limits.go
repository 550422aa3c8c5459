package cleanup

import "github.com/hostlife/hostlife/hostmgr/internal/calls"

// A cleanup that has not returned 10 s after its context ended is left behind: its worker's slot, or
// the goroutine that waits for it, is free. Its id stays claimed until it returns, so that cleanups
// of one id run one at a time. Then its outcome is recorded, as always.
const maxLeftBehind = 1024

func (q *Queue[D]) newCalls() *calls.Calls {
	return calls.New(calls.Config{
		Clock: q.config.Clock, Limit: q.config.Limit, MaxLeftBehind: maxLeftBehind, Replan: q.config.Replan,
		TimedOut:   func(_ *calls.Place, what any) { q.config.TimedOut(what.(*Job[D]).d) },
		LeftBehind: func(p *calls.Place, what any) { q.leave(p, what.(*Job[D])) },
	})
}

// Expire ends the contexts of cleanups that have reached the limit, and leaves behind those that do
// not return. Between Start and its stop, call it with no lock held at the times that Plan returns.
// At other times Sweep and Await do that.
func (q *Queue[D]) Expire() { q.calls.Expire() }

// leave tells the Awaits of an id that its cleanup was left behind. If that has returned meanwhile,
// record has told them its outcome.
func (q *Queue[D]) leave(p *calls.Place, j *Job[D]) {
	var tried chan struct{}
	q.mu.Lock()
	if h := j.host; h.place == p {
		tried, h.tried = h.tried, nil
	}
	q.mu.Unlock()
	if tried != nil {
		close(tried)
	}
	q.config.LeftBehind(j.d)
}

// isLeft reports whether the current cleanup of the id was left behind. The caller holds the lock.
func (h *hostQueue[D]) isLeft() bool {
	if h.place == nil {
		return false
	}
	select {
	case <-h.place.LeftBehind():
		return true
	default:
		return false
	}
}
