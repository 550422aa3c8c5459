// Package calls puts a time limit on calls of the embedder's callbacks.
//
// A call is made at a [Place]: a worker, a turn, or a goroutine that a caller waits for. The
// context of a call ends at the limit, when the context of its place ends, or when the call
// returns. A call that has not returned 10 s after its context ended is left behind: its place is
// given up, so that others need not wait for it. At most [Config].MaxLeftBehind calls are left
// behind at a time. Further ones keep their places until one of these returns.
//
// [Calls.Expire] applies the limits. A goroutine that drives others calls it at the times that
// [Calls.Plan] returns. Without one, [Place.Wait] does, and [Calls.Drain].
//
// The package starts no goroutine, and does not recover panics. All methods are safe for concurrent
// use. The functions of [Config] and of NewPlace are called with no lock held. Only Plan and Stats
// may be called under a lock of the caller.
package calls

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

const grace = int64(10 * time.Second) // from the end of a context until the call is left behind

// Config holds the limits of calls, and functions. All fields must be set.
type Config struct {
	Clock         *monotime.Clock
	Limit         time.Duration // of one call
	MaxLeftBehind int
	// Replan is called when Plan may have an earlier answer. It must return at once.
	Replan func()
	// TimedOut is called when the context of a call has ended because of the limit. LeftBehind is
	// called when a call is left behind, after the function free of its place. Both get the place,
	// and what Begin got. The call may have returned meanwhile.
	TimedOut, LeftBehind func(p *Place, what any)
}

// Calls are the calls that are under way. Make one with New.
type Calls struct {
	config   Config
	length   int64 // of a call, at most
	timedOut error // the cause that ends a context at the limit

	mu sync.Mutex // guards all below, and the places
	// Each call under way is in one of these lists of *Place: live by when it began, ended by when
	// its context ended, left if it is left behind.
	live, ended, left list.List
	timeouts          uint64
	planned           int64 // when the caller of Plan will call Expire
	limit, grace      alarm
	changed           chan struct{} // closed and replaced when the alarms change
}

// Stats is a snapshot of the figures of calls.
type Stats struct {
	Running    int    // calls under way, those left behind included
	Oldest     int64  // when the oldest of them began; 0 if there is none
	LeftBehind int    // now
	Timeouts   uint64 // contexts that ended at the limit
}

// New returns Calls with none under way.
func New(c Config) *Calls {
	return &Calls{
		config:   c,
		length:   min(int64(c.Limit), monotime.Never), // so that no sum overflows
		timedOut: fmt.Errorf("time limit of %v: %w", c.Limit, context.DeadlineExceeded),
		limit:    alarm{at: monotime.Never},
		grace:    alarm{at: monotime.Never},
		changed:  make(chan struct{}),
	}
}

// Stats returns the figures as they are now. Its cost grows with the number of calls under way.
func (c *Calls) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{LeftBehind: c.left.Len(), Timeouts: c.timeouts}
	for _, l := range []*list.List{&c.live, &c.ended, &c.left} {
		for e := l.Front(); e != nil; e = e.Next() {
			if p := e.Value.(*Place); s.Running == 0 || p.began < s.Oldest {
				s.Oldest = p.began
			}
			s.Running++
		}
	}
	return s
}
