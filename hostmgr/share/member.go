package share

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// ErrNoGoodbye means that Run has ended without a goodbye: the other members learn of the end only
// after Config.Lapse.
var ErrNoGoodbye = errors.New("share: the other members were not told of the end")

// A Member shares one registry with the registries of other members. Make one with New. All methods
// may be called concurrently.
type Member[M any] struct {
	cfg     Config[M]
	hosts   *hostmgr.Sharing[M]
	log     *asynclog.Log
	logger  *slog.Logger
	waiter  *clock.Waiter
	running atomic.Bool
	ready   atomic.Pointer[time.Time] // until when it is Ready; nil: it is not
	time    *timeline                 // used by Run
	core    *member.Core              // likewise
	bridge  *bridge[M]                // likewise
	inbox   inbox

	mu      sync.Mutex // guards all below
	shown   Stats
	flushes []*flush // that wait
}

// New returns a Member that shares nothing until Run is called. A registry has one Member that runs
// at a time. The errors wrap hostmgr.ErrInvalid.
func New[M any](c Config[M]) (*Member[M], error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Member[M]{cfg: c, hosts: c.Registry.Sharing()}
	k := m.hosts.Clock()
	m.log = asynclog.New(c.Logger, func() int64 { return k.Now().UnixNano() }, func() {})
	m.logger = m.log.Logger(c.Name)
	if c.Name != "" {
		m.logger = m.logger.With("name", c.Name)
	}
	m.time, m.waiter = newTimeline(k), clock.NewWaiter(k)
	m.inbox.wake = m.waiter.Wake
	m.bridge = &bridge[M]{
		hosts: m.hosts, codec: safeCodec[M]{c.Codec}, clock: m.time,
		tooLarge: fmt.Errorf("metadata of more than %d bytes", record.MaxMetadata),
	}
	m.bridge.failing = m.newWarning("a host is shared in part only")
	m.core = member.New(member.Config{
		Registry: m.bridge, Name: c.Name, Lapse: int64(c.Lapse), Cleans: c.Cleanup != nil,
		MaxWrites: MaxWrites, MaxBytes: MaxBatch, Random: random, Log: m.logger,
	})
	return m, nil
}

// newWarning returns a function that logs at most once a minute.
func (m *Member[M]) newWarning(text string) func(id string, err error) {
	next := int64(0)
	return func(id string, err error) {
		if m.time.at >= next {
			next = m.time.at + int64(warnPause)
			args := []any{"err", err}
			if id != "" {
				args = append(args, "host", id[:min(len(id), 99)])
			}
			m.logger.Warn(text, args...)
		}
	}
}

// Run makes the registry a member until ctx ends. Then it says goodbye, and returns: its hosts have
// no keeper from then on, and the other members take them at once. A nil ctx means
// context.Background().
//
// Run returns nil, or an error that wraps ErrNoGoodbye if the engine did not answer within 5 s.
// Until Run returns, another Run returns an error that wraps hostmgr.ErrRunning, also that of
// another Member of the same registry.
//
// All goroutines end before Run returns, except for calls of the Store or of Cleanup that ignore
// their context for 10 s.
func (m *Member[M]) Run(ctx context.Context) error {
	if !m.running.CompareAndSwap(false, true) {
		return fmt.Errorf("share: this Member runs already: %w", hostmgr.ErrRunning)
	}
	defer m.running.Store(false)
	if ctx == nil {
		ctx = context.Background()
	}
	m.log.Start()
	defer m.log.Stop()
	defer m.log.Summarize()
	m.waiter.Start()
	defer m.waiter.Stop()
	if err := m.hosts.Begin(m.waiter.Wake); err != nil {
		return fmt.Errorf("share: another Member of this registry runs: %w", err)
	}
	defer m.hosts.End()
	return m.newLoop(ctx).run(ctx)
}

// Ready reports whether this member may acknowledge contacts. If so, a contact here protects the
// host from eviction by any member. It is false before Run has joined, from the end of its context
// on, and when this member may be buried because the engine does not answer. Hosts should then be
// sent to another member.
//
// Ask before the call, so that a host finds another member soon. Ask again after it if the host
// relies on the answer: the process may be frozen in between.
func (m *Member[M]) Ready() bool {
	until := m.ready.Load()
	return until != nil && isBefore(m.hosts.Clock().Now(), *until)
}

// Keeper returns the member that judges a host, as of at most 100 ms ago. It is this one for a host
// that joined here, or was heard here when another member asked about it. ok is false if the host
// is not registered here, or if its keeper is dead, or not known yet.
//
// The keeper alone knows when the host was last heard, and why it is not evicted.
func (m *Member[M]) Keeper(id string) (keeper Peer, ok bool) {
	_, p, ok := m.hosts.Look(id)
	if !ok {
		return keeper, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.shown.Members {
		if x.number == p.Keeper && x.number != member.Crowd {
			return x, true
		}
	}
	return keeper, false
}

// A flush waits until what was known at a moment is in the table.
type flush struct {
	barrier *member.Barrier // used by Run; nil: not all changes have been taken
	done    chan struct{}
}

// Flush waits until all that this registry knows at the call is in the table, so that no member can
// miss it. It waits for Run, too. The error wraps that of ctx.
//
// Call it when a caller must rely on the other members: for instance in the handler of a Leave,
// after Registry.Leave, if the process may crash.
func (m *Member[M]) Flush(ctx context.Context) error {
	f := &flush{done: make(chan struct{})}
	m.mu.Lock()
	m.flushes = append(m.flushes, f)
	m.mu.Unlock()
	m.waiter.Wake()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		m.forget(f)
		if !m.running.Load() {
			return fmt.Errorf("share: not flushed, Run does not run: %w", context.Cause(ctx))
		}
		return fmt.Errorf("share: not flushed: %w", context.Cause(ctx))
	}
}

func (m *Member[M]) forget(f *flush) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.flushes {
		if m.flushes[i] == f {
			m.flushes = append(m.flushes[:i:i], m.flushes[i+1:]...)
			return
		}
	}
}

// Stats returns a snapshot, at most 100 ms old while Run runs.
func (m *Member[M]) Stats() Stats {
	m.mu.Lock()
	s := m.shown
	m.mu.Unlock()
	s.Members = append([]Peer(nil), s.Members...)
	s.Ready = m.Ready()
	return s
}
