package cleanup

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 30 * time.Second
)

var errGoroutineEnded = errors.New("cleanup ended its goroutine")

// try calls Clean for the first job of h, which the caller has claimed, and ends the claim. It
// records the outcome even if Clean panics or ends its goroutine.
func (r *runner[D]) try(h *hostQueue[D]) (cleaned bool) {
	q, j, attempt := r.q, h.first, h.first.triedBefore+h.first.tries+1
	err := errGoroutineEnded
	defer func() {
		r.left = r.place.End()
		q.finish(h, err)
		if err != nil {
			q.config.Failed(j.d, attempt, err)
		}
		cleaned = err == nil
	}()
	defer func() { // separate: finish must run even if printing p ends the goroutine
		if p := recover(); p != nil {
			err = fmt.Errorf("cleanup panicked: %v\n%s", p, debug.Stack())
		}
	}()
	q.occupy(h, r.place)
	err = q.config.Clean(r.place.Begin(j), j.d, attempt)
	return
}

// occupy notes where the current cleanup of an id runs.
func (q *Queue[D]) occupy(h *hostQueue[D], p *calls.Place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h.place = p
}

// finish records the outcome of a try. If the id has more jobs, or no id is failing any more, it
// calls Replan.
func (q *Queue[D]) finish(h *hostQueue[D], err error) {
	now := q.config.Clock.Now()
	q.config.Clock.AdvanceFloor(now) // so that a clock that steps back does not delay the retry
	if err == nil {
		q.config.Done(h.first.d, now-h.first.due)
	}
	tried, replan := q.record(h, err, now)
	if tried != nil {
		close(tried)
	}
	q.drains.moveOn()
	if replan {
		q.config.Replan()
	}
}

// record is the part of finish that needs the lock.
func (q *Queue[D]) record(h *hostQueue[D], err error, now int64) (tried chan struct{}, replan bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	recovered, j := false, h.first
	j.tries++
	j.err = err
	h.place = nil
	if err != nil {
		q.failures++
		if h.failed++; h.failed == 1 {
			q.failing++
		}
		h.readyAt = now + q.pause(h.failed)
	} else {
		recovered = q.recover(h)
		q.remove(h)
	}
	if h.first != nil {
		q.enqueue(h)
	}
	tried, h.tried = h.tried, nil
	return tried, h.first != nil || recovered
}

// recover notes that a try of an id has succeeded. It reports whether no id is failing any more.
// The caller holds the lock.
func (q *Queue[D]) recover(h *hostQueue[D]) (all bool) {
	if h.failed == 0 {
		return false
	}
	h.failed = 0
	q.failing--
	return q.failing == 0
}

// pause draws the time from the end of a failed try to the next try of the id; failed counts the
// failures since the last success. The time is random so that jobs that failed in one moment, as
// when a database is down, are not all tried again in one moment.
func (q *Queue[D]) pause(failed int) int64 {
	half := int64(min(maxPause, firstPause<<min(failed-1, 16))) / 2
	return half + q.config.Draw(half+1)
}
