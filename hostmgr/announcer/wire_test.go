package announcer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

const second = time.Second

var errDown = errors.New("connection refused")

// A wire is between hosts and a registry, and can break. All tests that use it run in a bubble.
type wire struct {
	t        *testing.T
	registry *hostmgr.Registry[string]

	mu    sync.Mutex // guards all below
	began time.Time
	log   []string // calls, with the seconds since the beginning
	// fault is called with each call; an error is returned instead of an answer. It may wait.
	fault func(ctx context.Context, call string) error
}

func newWire(t *testing.T, cfg hostmgr.Config[string]) *wire {
	t.Helper()
	w := &wire{t: t, began: time.Now()}
	w.restart(cfg)
	return w
}

// restart replaces the registry by one that knows no host.
func (w *wire) restart(cfg hostmgr.Config[string]) {
	w.t.Helper()
	r, err := hostmgr.New(cfg)
	require.NoError(w.t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.registry = r
}

func (w *wire) breaks(f func(ctx context.Context, call string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

func (w *wire) call(ctx context.Context, call string) (*hostmgr.Registry[string], error) {
	w.mu.Lock()
	w.log = append(w.log, fmt.Sprintf("%s %.1f", call, time.Since(w.began).Seconds()))
	r, fault := w.registry, w.fault
	w.mu.Unlock()
	if fault == nil {
		return r, nil
	}
	return r, fault(ctx, call)
}

// calls returns the calls so far, and forgets them.
func (w *wire) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.log
	w.log = nil
	return log
}

func (w *wire) Announce(ctx context.Context, a hostmgr.Announcement[string]) (hostmgr.Ack, error) {
	r, err := w.call(ctx, "announce")
	if err != nil {
		return hostmgr.Ack{}, err
	}
	return r.Announce(a)
}

func (w *wire) Heartbeat(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error) {
	r, err := w.call(ctx, "heartbeat")
	if err != nil {
		return hostmgr.Ack{}, err
	}
	return r.Heartbeat(id, incarnation)
}

func (w *wire) Leave(ctx context.Context, id string, incarnation uint64) error {
	r, err := w.call(ctx, "leave")
	if err != nil {
		return err
	}
	return r.Leave(ctx, id, incarnation)
}

// config returns a Config of a host that uses the wire for announces and leaves.
func (w *wire) config() announcer.Config[string] {
	return announcer.Config[string]{ID: "a", Incarnation: 1, Announce: w.Announce, Leave: w.Leave}
}

// hang waits until the context ends.
func hang(ctx context.Context, _ string) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func down(context.Context, string) error { return errDown }

// A process runs an Announcer.
type process struct {
	*announcer.Announcer[string]
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, cfg announcer.Config[string]) *process {
	t.Helper()
	a, err := announcer.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	p := &process{a, t, cancel, make(chan error, 1)}
	go func() { p.done <- a.Run(ctx) }()
	synctest.Wait()
	return p
}

// ends stops the process, and returns what Run returned.
func (p *process) ends() error {
	p.stop()
	return <-p.done
}

func (p *process) only() announcer.Status {
	p.t.Helper()
	all := p.Status()
	require.Len(p.t, all, 1)
	return all[0]
}

// pass lets time pass in a bubble.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }
