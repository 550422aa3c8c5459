// Package hosttest helps to test policies, and programs that embed a registry.
//
// [Run] runs a registry on a clock that the test moves. [TestPolicy] checks whether a policy keeps
// the rules.
package hosttest

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Hosts is a registry under Run, on a clock that the test moves. Make one with [Run]. Methods of
// the registry may be called concurrently. Advance, KeepAlive and Silence may be called by one
// goroutine at a time.
type Hosts[M any] struct {
	*hostmgr.Registry[M]
	Clock *clock.Mock

	t    testing.TB
	kept map[string]time.Time // the next heartbeat of each host
}

// callbackLimit is how long Advance, and the end of a test, wait for callbacks, in real time. A
// callback that takes longer counts as hanging.
const callbackLimit = 10 * time.Second

// Run makes a registry and runs it until the test ends. cfg.Clock is nil or a [clock.Mock], which
// several registries may share. If the registry cannot be made, Run fails the test.
//
// When the test ends, Run checks that Registry.Run has ended, and that no call of Cleanup or
// Confirm is left. A cleanup that failed may stay pending.
func Run[M any](t testing.TB, cfg hostmgr.Config[M]) *Hosts[M] {
	t.Helper()
	mock, ok := cfg.Clock.(*clock.Mock)
	switch {
	case cfg.Clock == nil:
		mock = clock.NewMock()
		cfg.Clock = mock
	case !ok:
		t.Fatalf("hosttest: Config.Clock is a %T, and not a *clock.Mock", cfg.Clock)
	}
	r, err := hostmgr.New(cfg)
	if err != nil {
		t.Fatalf("hosttest: %v", err)
	}
	h := &Hosts[M]{Registry: r, Clock: mock, t: t, kept: map[string]time.Time{}}
	h.start()
	return h
}

// start starts Run, and waits until it has swept: from then on it takes part in the moves of Clock.
func (h *Hosts[M]) start() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Registry.Run(ctx) }()
	for h.Stats().Sweeps == 0 {
		runtime.Gosched()
	}
	h.t.Cleanup(func() {
		h.t.Helper()
		cancel()
		h.stop(ended)
	})
}

// stop waits until Run has ended. Run waits for callbacks by Clock.
func (h *Hosts[M]) stop(ended <-chan error) {
	h.t.Helper()
	var err error
	select {
	case err = <-ended:
	case <-clock.System().After(callbackLimit):
		h.t.Errorf("hosttest: Run has not returned %v after its context ended: a Cleanup or Confirm ignores its context", callbackLimit)
		h.Clock.Add(time.Minute) // then it leaves them behind
		err = <-ended
	}
	if err != nil && !errors.Is(err, hostmgr.ErrCleanupPending) {
		h.t.Errorf("hosttest: Run returned %v", err)
	}
	if s := h.Stats(); s.Cleanup.LeftBehind+s.Confirm.LeftBehind > 0 {
		h.t.Errorf("hosttest: calls have not returned, and keep their goroutines: Cleanup %d, Confirm %d", s.Cleanup.LeftBehind, s.Confirm.LeftBehind)
	}
}

// Advance lets d pass, as [clock.Mock.Add] does, and sends the heartbeats of KeepAlive. When it
// returns, all sweeps up to then are done, and so are all calls of Cleanup and Confirm that were
// due, retries included. No time passes while a callback runs. A callback that takes more than 10 s
// of real time fails the test.
//
// To test a callback that waits for the test, or for a time limit, call Clock.Add instead.
func (h *Hosts[M]) Advance(d time.Duration) {
	h.t.Helper()
	for end := h.Clock.Now().Add(d); ; {
		next := h.nextHeartbeat(end)
		if !h.Clock.Advance(max(0, next.Sub(h.Clock.Now())), callbackLimit) {
			s := h.Stats()
			h.t.Fatalf("hosttest: a callback has not returned for %v, at %v: calls of Cleanup %d, hosts that Confirm is asked about %d",
				callbackLimit, h.Clock.Now().UTC(), s.Cleanup.Running, s.Confirm.Asked)
		}
		h.sendHeartbeats()
		if !next.Before(end) {
			return
		}
	}
}
