package share_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

type peer struct {
	Address string
	Load    int
}

const interval = 10 * time.Second

// A process has a registry that is a member.
type process struct {
	name    string
	hosts   *hostmgr.Registry[peer]
	member  *share.Member[peer]
	end     context.CancelFunc
	ended   chan error
	cleaned *cleaned

	mu       sync.Mutex
	departed []hostmgr.Departure[peer] // as Config.Cleanup of the registry saw them
}

// cleaned has what the shared cleanup of all members has done.
type cleaned struct {
	mu   sync.Mutex
	of   map[string]int // by host and registration
	list []hostmgr.Departure[peer]
}

func (c *cleaned) clean(_ context.Context, d hostmgr.Departure[peer]) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[fmt.Sprint(d.Host.ID, "/", d.Host.Registration)]++
	c.list = append(c.list, d)
	return nil
}

func (c *cleaned) all() []hostmgr.Departure[peer] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]hostmgr.Departure[peer](nil), c.list...)
}

// A fleet is several processes with one table.
type fleet struct {
	t         *testing.T
	store     share.Store
	processes []*process
	cleaned   *cleaned
	codec     share.Codec[peer]
	cleanup   func(context.Context, hostmgr.Departure[peer]) error // nil: that of cleaned
	logger    *slog.Logger
	policy    hostmgr.Policy
}

func newFleet(t *testing.T, store share.Store, n int) *fleet {
	f := &fleet{t: t, store: store, cleaned: &cleaned{of: map[string]int{}}}
	for i := range n {
		f.start(fmt.Sprint("scheduler-", i))
	}
	time.Sleep(11 * time.Second)
	for _, p := range f.processes {
		require.True(t, p.member.Ready(), p.name)
	}
	return f
}

func (f *fleet) start(name string) *process {
	p := &process{name: name, cleaned: f.cleaned, ended: make(chan error, 2)}
	var err error
	p.hosts, err = hostmgr.New(hostmgr.Config[peer]{Policy: f.policy, Cleanup: func(_ context.Context, d hostmgr.Departure[peer]) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.departed = append(p.departed, d)
		return nil
	}})
	require.NoError(f.t, err)
	cleanup := f.cleanup
	if cleanup == nil {
		cleanup = f.cleaned.clean
	}
	p.member, err = share.New(share.Config[peer]{
		Registry: p.hosts, Store: f.store, Name: name, Cleanup: cleanup, Codec: f.codec, Logger: f.logger,
	})
	require.NoError(f.t, err)
	ctx, cancel := context.WithCancel(f.t.Context())
	p.end = cancel
	go func() { p.ended <- p.hosts.Run(ctx) }()
	go func() { p.ended <- p.member.Run(ctx) }()
	f.processes = append(f.processes, p)
	return p
}

// stop ends all processes.
func (f *fleet) stop() {
	for _, p := range f.processes {
		p.stop(f.t)
	}
}

func (p *process) stop(t *testing.T) {
	p.end()
	for range 2 {
		require.NoError(t, <-p.ended)
	}
}

func (p *process) announce(t *testing.T, id string, metadata peer) hostmgr.Ack {
	ack, err := p.hosts.Announce(hostmgr.Announcement[peer]{ID: id, Metadata: metadata, Interval: interval})
	require.NoError(t, err)
	return ack
}

func (p *process) departures() []hostmgr.Departure[peer] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]hostmgr.Departure[peer](nil), p.departed...)
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// A cutStore is a Store of which one user can be cut off.
type cutStore struct {
	share.Store
	mu  sync.Mutex
	off bool
}

type cutUser struct{ *cutStore }

func (s *cutStore) cut()  { s.set(true) }
func (s *cutStore) heal() { s.set(false) }
func (s *cutStore) set(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

func (u cutUser) Put(ctx context.Context, b []share.Write) error {
	u.mu.Lock()
	off := u.off
	u.mu.Unlock()
	if off {
		<-ctx.Done()
		return ctx.Err()
	}
	return u.Store.Put(ctx, b)
}

func (f *fleet) startCut(s *cutStore) *process {
	f.store = cutUser{s}
	p := f.start("cut")
	f.store = s
	time.Sleep(11 * time.Second)
	return p
}

func (f *fleet) remove(p *process) {
	for i := range f.processes {
		if f.processes[i] == p {
			f.processes = append(f.processes[:i], f.processes[i+1:]...)
			return
		}
	}
}
