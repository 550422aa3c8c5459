package announcer

import (
	"context"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// A target is one registry: how to call it, and what Status shows.
type target struct {
	name, id     string
	clock        clock.Clock
	waiter       *clock.Waiter // of Run; made by New, so that a clock.Mock waits for the first Run
	interval     time.Duration
	incarnation  uint64
	leaveTimeout time.Duration
	sequential   bool
	log          *slog.Logger
	lines        *asynclog.Log // of log
	classify     func(error) Action
	announce     func(context.Context, attempt) (hostmgr.Ack, error)
	heartbeat    func(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error)
	leave        func(ctx context.Context, id string, incarnation uint64) error
	joined       func(context.Context, hostmgr.Ack) error
	refreshes    chan struct{} // has room for one

	mu    sync.Mutex // guards shown
	shown Status
}

func newTarget[M any](c *Config[M], t *Target[M], d *describer[M], log *asynclog.Log) *target {
	logger := log.Logger(t.Name).With("host", c.ID, "target", t.Name)
	if t.Name == "" {
		logger = log.Logger("").With("host", c.ID)
	}
	return &target{
		name: t.Name, id: c.ID, clock: c.Clock, waiter: clock.NewWaiter(c.Clock), interval: c.Interval, incarnation: c.Incarnation,
		leaveTimeout: c.LeaveTimeout, sequential: c.Sequential, log: logger, lines: log, classify: c.Classify,
		announce: func(ctx context.Context, a attempt) (hostmgr.Ack, error) {
			said, err := d.announcement(ctx, a)
			if err != nil {
				return hostmgr.Ack{}, err
			}
			return t.Announce(ctx, said)
		},
		heartbeat: t.Heartbeat, leave: t.Leave, joined: t.Joined,
		refreshes: make(chan struct{}, 1),
		shown:     Status{Name: t.Name, Interval: c.Interval, Incarnation: c.Incarnation},
	}
}

func (t *target) refresh() {
	select {
	case t.refreshes <- struct{}{}:
	default: // one is waiting
	}
}

// forgetRefreshes forgets calls of refresh from before Run.
func (t *target) forgetRefreshes() {
	select {
	case <-t.refreshes:
	default:
	}
}

func (t *target) status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shown
}

func (t *target) show(s Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown = s
}

// source returns the random numbers of the target. They are the same in each Run, and differ from
// those of other hosts.
func (t *target) source() *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.id + "\x00" + t.name))
	return rand.New(rand.NewPCG(h.Sum64(), t.incarnation))
}

// attempt makes one attempt, on the goroutine of the call.
func (t *target) attempt(ctx context.Context, a attempt) (o outcome) {
	if a.heartbeat {
		o.ack, o.err = t.heartbeat(ctx, t.id, a.incarnation)
	} else {
		o.ack, o.err = t.announce(ctx, a)
	}
	return t.judged(o)
}

// judged adds what the error of an outcome means.
func (t *target) judged(o outcome) outcome {
	if o.err != nil {
		o.action = t.classify(o.err)
		o.err = heard(o.err)
	}
	return o
}

// A describer makes the announcements of a host.
type describer[M any] struct {
	said     hostmgr.Announcement[M]
	metadata func() M      // may be nil
	turn     chan struct{} // has room for one: the right to use revision, and to call metadata
	revision uint64
}

// newDescriber returns a describer whose revisions follow those of an earlier process, even if that
// had the same incarnation.
func newDescriber[M any](c *Config[M]) *describer[M] {
	return &describer[M]{
		said:     hostmgr.Announcement[M]{ID: c.ID, Zone: c.Zone, Speaker: c.Speaker},
		metadata: c.Metadata, turn: make(chan struct{}, 1), revision: uint64(c.Clock.Now().UnixNano()),
	}
}

// announcement returns the announcement of an attempt. Its metadata are not older than those of an
// announcement with a lower revision.
func (d *describer[M]) announcement(ctx context.Context, a attempt) (hostmgr.Announcement[M], error) {
	said := d.said
	said.Incarnation, said.Interval = a.incarnation, a.interval
	if d.metadata == nil {
		return said, nil
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return said, context.Cause(ctx)
	}
	defer func() { <-d.turn }() // even if metadata panics
	said.Metadata = d.metadata()
	d.revision++
	said.Revision = d.revision
	return said, nil
}
