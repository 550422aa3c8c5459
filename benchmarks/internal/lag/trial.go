package lag

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	tick = 2 * time.Millisecond
	// pause is the longest time without a word on the log, less what a tick may be
	// late.
	pause = 1900 * time.Millisecond
)

// A trial is one measurement. Only the cleanups run on goroutines other than the
// one that plays it.
type trial struct {
	plan
	log   io.Writer
	spoke time.Time
	phase string

	hosts      *hostmgr.Registry[*mortal]
	crowd      []host
	heartbeats int64     // of the crowd, since began
	mortals    []*mortal // by when they die
	died       int
	began      time.Time // of the first interval

	mu   sync.Mutex // guards gone
	gone []departure
}

// A host is what a live host knows of itself.
type host struct {
	id          string
	incarnation uint64
}

// A mortal is a host that will die: at a moment of the first interval it heartbeats for
// the last time.
type mortal struct {
	host
	at time.Duration // since began
	// lastHeartbeat is when the harness made that heartbeat: right before the call, so that
	// a lag is at worst overstated.
	lastHeartbeat time.Time
}

// A departure is the argument of a cleanup, and when it was done.
type departure struct {
	hostmgr.Departure[*mortal]
	cleaned time.Time
}

func newTrial(p plan, log io.Writer) (*trial, error) {
	t := &trial{plan: p, log: log, spoke: time.Now(), phase: "hosts register"}
	var err error
	t.hosts, err = hostmgr.New(hostmgr.Config[*mortal]{
		Policy: hostmgr.Fixed(p.multiple),
		Cleanup: func(_ context.Context, d hostmgr.Departure[*mortal]) error {
			t.note(departure{d, time.Now()})
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("lag: %w", err)
	}
	return t, nil
}

func (t *trial) note(d departure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = append(t.gone, d)
}

func (t *trial) departed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.gone)
}

// register announces all hosts and begins the first interval. A host that announced itself
// first has to wait for that longest: so it is to be quick.
func (t *trial) register(ctx context.Context) error {
	t.say("%d hosts register", t.living+t.dying)
	t.crowd, t.mortals = make([]host, t.living), make([]*mortal, t.dying)
	for i := range t.crowd {
		t.crowd[i].id = randomID()
		t.progress()
	}
	for i := range t.mortals {
		t.mortals[i] = &mortal{host: host{id: randomID()}, at: rand.N(t.interval)}
	}
	slices.SortFunc(t.mortals, func(a, b *mortal) int { return cmp.Compare(a.at, b.at) })
	begun := time.Now()
	for _, m := range t.mortals {
		if err := t.announce(ctx, &m.host, m); err != nil {
			return err
		}
	}
	for i := range t.crowd {
		if err := t.announce(ctx, &t.crowd[i], nil); err != nil {
			return err
		}
	}
	t.began = time.Now()
	t.say("they took %v to register", t.began.Sub(begun))
	return nil
}

// randomID is as long as Dragonfly's.
func randomID() string {
	return fmt.Sprintf("%016x%016x%016x%016x", rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64())
}

func (t *trial) announce(ctx context.Context, h *host, m *mortal) error {
	lease, err := t.hosts.Announce(hostmgr.Announcement[*mortal]{ID: h.id, Metadata: m, Interval: t.interval})
	if err != nil {
		return fmt.Errorf("lag: announce: %w", err)
	}
	h.incarnation = lease.Incarnation
	t.progress()
	return ctx.Err()
}

// beatUntil heartbeats until it is over, in small batches: a sleep for each heartbeat would
// take longer than the heartbeats are apart.
func (t *trial) beatUntil(ctx context.Context, over func() bool) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !over() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := t.beatAll(time.Since(t.began)); err != nil {
			return err
		}
		t.progress()
	}
	return nil
}

// beatAll makes the heartbeats that are due by now: each living host's once an interval,
// evenly spread over it, and the last ones of hosts that die.
func (t *trial) beatAll(now time.Duration) error {
	n := int64(len(t.crowd))
	for due := int64(float64(now) / float64(t.interval) * float64(n)); t.heartbeats < due; t.heartbeats++ {
		if err := t.heartbeat(t.crowd[t.heartbeats%n]); err != nil {
			late := now - time.Duration(float64(t.heartbeats)/float64(n)*float64(t.interval))
			return fmt.Errorf("%w (the harness was late by %v)", err, late)
		}
	}
	for ; t.died < len(t.mortals) && t.mortals[t.died].at <= now; t.died++ {
		m := t.mortals[t.died]
		m.lastHeartbeat = time.Now()
		if err := t.heartbeat(m.host); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) heartbeat(h host) error {
	if _, err := t.hosts.Heartbeat(h.id, h.incarnation); err != nil {
		return fmt.Errorf("lag: a heartbeat of a live host: %w", err)
	}
	return nil
}

// progress says where we are, now and then.
func (t *trial) progress() {
	if time.Since(t.spoke) < pause {
		return
	}
	since := time.Duration(0)
	if !t.began.IsZero() {
		since = time.Since(t.began).Round(time.Second)
	}
	t.say("%s: %v, %d hosts, %d heartbeats, %d of %d departed",
		t.phase, since, t.hosts.Len(), t.heartbeats, t.departed(), t.dying)
}

func (t *trial) say(format string, args ...any) {
	t.spoke = time.Now()
	_, _ = fmt.Fprintf(t.log, "lag: "+format+"\n", args...)
}
