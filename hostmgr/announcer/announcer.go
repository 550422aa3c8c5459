package announcer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// An Announcer announces one host. Make one with New. All methods may be called concurrently.
type Announcer[M any] struct {
	targets []*target
	log     *asynclog.Log
	running atomic.Bool
}

// New returns an Announcer that does nothing until Run is called. The errors wrap
// hostmgr.ErrInvalid.
func New[M any](c Config[M]) (*Announcer[M], error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Announcer[M]{log: asynclog.New(c.Logger, func() int64 { return c.Clock.Now().UnixNano() }, func() {})}
	d := newDescriber(&c)
	for _, t := range c.Targets {
		a.targets = append(a.targets, newTarget(&c, &t, d, a.log))
	}
	return a, nil
}

// Run announces the host until ctx ends. Then the host leaves, and Run returns. A nil ctx means
// context.Background().
//
// Run returns nil if the host has left everywhere. Its error joins an error for each target that
//   - stopped, because the incarnation was refused, or because Classify said GiveUp. The error
//     wraps that of the call. The other targets go on. When all have stopped, Run returns.
//   - could not be left within Config.LeaveTimeout. The error wraps ErrNotLeft.
//
// Until Run returns, another Run returns an error that wraps hostmgr.ErrRunning. After that, Run
// may be called again.
//
// All goroutines end before Run returns, except for calls that are left behind: see Config.
func (a *Announcer[M]) Run(ctx context.Context) error {
	if !a.running.CompareAndSwap(false, true) {
		return fmt.Errorf("announcer: %w", hostmgr.ErrRunning)
	}
	defer a.running.Store(false)
	if ctx == nil {
		ctx = context.Background()
	}
	a.log.Start()
	defer a.log.Stop()
	defer a.log.Summarize()
	sessions := make([]*session, len(a.targets))
	for i, t := range a.targets {
		sessions[i] = t.newSession(ctx)
	}
	errs := make([]error, len(sessions))
	var wait sync.WaitGroup
	for i, s := range sessions[1:] {
		wait.Go(func() { errs[1+i] = s.run(ctx) })
	}
	errs[0] = sessions[0].run(ctx) // on this goroutine: a process may be 10,000 hosts
	wait.Wait()
	return errors.Join(errs...)
}

// Refresh announces the host to all targets at once, for instance because its metadata changed. It
// does not wait for an answer. Calls before the announcement count as one. Without Run it does
// nothing.
func (a *Announcer[M]) Refresh() {
	for _, t := range a.targets {
		t.refresh()
	}
}

// Status returns what the Announcer knows about each target, in the order of Config.Targets.
func (a *Announcer[M]) Status() []Status {
	all := make([]Status, len(a.targets))
	for i, t := range a.targets {
		all[i] = t.status()
	}
	return all
}
