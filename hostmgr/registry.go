package hostmgr

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

// A Registry knows which hosts are there. Make one with New; all its methods
// are safe for concurrent use.
//
// There is one lock for changes and none for beats. Whatever begins or ends a
// life, or tells watchers of it, happens under mu, a sweep's work a page of hosts
// at a time; so there is one order of events, and what is under mu is always
// consistent. A heartbeat reads the index, whose reads are lock-free, and swaps
// one word.
type Registry[M any] struct {
	cfg   Config[M]
	time  *timeline
	judge *judge
	clean *cleaner[M]

	// index finds the life of an id. It is written under mu only, and never
	// has a life that is over once mu is released.
	index *xsync.Map[string, *life[M]]

	running   atomic.Bool
	asking    atomic.Bool    // a batch is out with Confirm
	asks      sync.WaitGroup // the goroutine under Run that asks Confirm
	wake      chan struct{}  // tells Run that its plan is out of date; one slot
	sweepGate chan struct{}  // one slot: who has put something in may scan

	mu          sync.RWMutex // guards all below
	roster      roster[M]
	ledger      ledger
	zones       zones
	holds       map[*life[M]]hold
	watchers    []*watcher[M] // replaced, never changed in place
	news        bool          // watchers must be woken when mu is released
	planned     int64         // when Run means to sweep next
	stir        bool          // that is too late: wake it when mu is released
	work        bool          // a cleanup was queued: hire when mu is released
	seq         uint64        // of the latest event
	lives       uint64        // the latest life's number
	incarnation uint64        // the latest that was assigned
	counts      Stats
}

// New returns an empty registry, or an error that wraps ErrInvalid.
func New[M any](cfg Config[M]) (*Registry[M], error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Registry[M]{
		cfg:       cfg,
		judge:     newJudge(cfg.Policy, cfg.Logger),
		index:     xsync.NewMap[string, *life[M]](),
		wake:      make(chan struct{}, 1),
		sweepGate: make(chan struct{}, 1),
		zones:     zones{},
	}
	r.time = newTimeline(cfg.Clock, r.wake)
	r.clean = newCleaner(cfg, r.time, r.wake)
	r.ledger.limit = max(0, int64(cfg.MaxGap))
	r.incarnation = uint64(max(0, cfg.Clock.Now().UnixNano()))
	return r, nil
}

// lock takes mu, and returns the time: that of a clock reading before it, or of a
// sweep that was quicker.
func (r *Registry[M]) lock() (now int64) {
	now = r.time.now()
	r.mu.Lock()
	return max(now, r.ledger.last)
}

// rlock is lock for reading; the caller releases it with mu.RUnlock.
func (r *Registry[M]) rlock() (now int64) {
	now = r.time.now()
	r.mu.RLock()
	return max(now, r.ledger.last)
}

// unlock releases mu, and then does what must not be done under it: waking
// watchers, Run and cleanup workers.
func (r *Registry[M]) unlock() {
	var watchers []*watcher[M]
	if r.news {
		watchers = r.watchers
	}
	stir, work := r.stir, r.work
	r.news, r.stir, r.work = false, false, false
	r.mu.Unlock()

	for _, w := range watchers {
		poke(w.wake)
	}
	if stir {
		poke(r.wake)
	}
	if work {
		r.clean.kick()
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Announce registers a host, or refreshes it and its metadata. It is a sign of
// life, also from a host that is Offline already but not swept yet.
//
// An incarnation equal to that of the living host refreshes it, a greater one
// replaces it (Replaced, then Joined), a lower one is ErrStale. Otherwise the
// error wraps ErrInvalid, or is ErrFull.
func (r *Registry[M]) Announce(a Announcement[M]) (Lease, error) {
	t, err := r.check(&a)
	if err != nil {
		return Lease{}, err
	}
	now := r.lock()
	defer r.unlock()
	old, ok := r.index.Load(a.ID)
	switch {
	case !ok:
		return r.join(a, t, now, now)
	case a.Incarnation == 0 || a.Incarnation == old.incarnation:
		return r.refresh(old, a, t, now), nil
	case a.Incarnation < old.incarnation:
		return Lease{}, ErrStale
	default:
		return r.replace(old, a, t, now), nil
	}
}

// check validates an announcement and finds its terms, outside any lock: that
// may call the policy.
func (r *Registry[M]) check(a *Announcement[M]) (t *terms, err error) {
	if err = checkName("id", a.ID, 1); err != nil {
		return nil, err
	}
	if err = checkName("zone", a.Zone, 0); err != nil {
		return nil, err
	}
	if a.Interval, err = checkInterval(a.Interval); err != nil {
		return nil, err
	}
	return r.judge.terms(a.Interval), nil
}

// join begins a life. The caller holds mu and knows that the id has none.
func (r *Registry[M]) join(a Announcement[M], t *terms, now, joined int64) (Lease, error) {
	if r.cfg.MaxHosts > 0 && r.roster.n >= r.cfg.MaxHosts {
		return Lease{}, ErrFull
	}
	l := r.newLife(a, t, now, joined)
	r.index.Store(l.id, l)
	r.admit(l, a.Zone, now)
	return l.lease(), nil
}

// replace ends the old life and begins the new one. The index changes first, so
// that a heartbeat never finds the id unknown in between.
func (r *Registry[M]) replace(old *life[M], a Announcement[M], t *terms, now int64) Lease {
	l := r.newLife(a, t, now, now)
	r.index.Store(l.id, l)
	old.word.end()
	r.depart(old, Replaced, now)
	r.admit(l, a.Zone, now)
	return l.lease()
}

func (r *Registry[M]) newLife(a Announcement[M], t *terms, now, joined int64) *life[M] {
	if a.Incarnation == 0 {
		r.incarnation++
		a.Incarnation = r.incarnation
	}
	r.lives++
	l := &life[M]{
		id: strings.Clone(a.ID), number: r.lives, incarnation: a.Incarnation,
		joined: joined, metadata: a.Metadata,
	}
	l.word.set(now)
	l.terms.Store(t)
	return l
}

func (r *Registry[M]) admit(l *life[M], zone string, now int64) {
	l.zone = r.zones.enter(zone)
	next := r.verdict(l, now).next(false)
	r.roster.add(l, next)
	r.plan(next)
	r.counts.Joins++
	r.emit(Joined, l, now)
}

// refresh takes over what a living host says of itself now.
func (r *Registry[M]) refresh(l *life[M], a Announcement[M], t *terms, now int64) Lease {
	if a.Zone != l.zone.name {
		r.zones.leave(l.zone)
		l.zone = r.zones.enter(a.Zone)
	}
	l.metadata = a.Metadata
	l.terms.Store(t)
	l.word.beat(now)
	r.reconsider(l, now)
	next := r.verdict(l, now).next(l.suspect)
	r.roster.hasten(l, next)
	r.plan(next)
	r.emit(Updated, l, now)
	return l.lease()
}

// plan wakes Run if it means to sleep beyond next.
func (r *Registry[M]) plan(next int64) { r.stir = r.stir || next < r.planned }

// reconsider tells watchers of a suspect that was heard again. One that was
// heard, but too long ago, gets its bit back, so that the next beat asks again; if
// that beat comes right now, and finds no bit, the swap fails and we look again.
func (r *Registry[M]) reconsider(l *life[M], now int64) {
	for l.suspect {
		v := r.verdict(l, now)
		if v.state == Suspect || v.state == Offline {
			if l.word.suspect(v.word) {
				return
			}
			continue
		}
		l.suspect = false
		r.counts.Suspects--
		r.emit(Recovered, l, now)
		r.roster.hasten(l, v.next(false))
		r.plan(v.next(false))
	}
}

// Heartbeat is a sign of life that carries nothing else. It takes no lock and
// allocates nothing. ErrUnknownHost asks the host to announce itself again;
// ErrStale tells a former incarnation that it is one. Incarnation 0 means the
// life that is there.
func (r *Registry[M]) Heartbeat(id string, incarnation uint64) (Lease, error) {
	return r.hear(id, incarnation, 0)
}

// Observe is a sign of life that someone else heard, age ago: it counts as if
// it had been heard here then, and an older one than is known changes nothing.
// A negative age counts as zero. The errors are those of Heartbeat.
func (r *Registry[M]) Observe(id string, incarnation uint64, age time.Duration) error {
	_, err := r.hear(id, incarnation, max(0, age))
	return err
}

// hear looks the host up, reads the clock and swaps its word. A life found over
// is either gone from the index by now, or replaced there: look again, until the
// index answers the same.
func (r *Registry[M]) hear(id string, incarnation uint64, age time.Duration) (Lease, error) {
	var over *life[M]
	for {
		l, ok := r.index.Load(id)
		if !ok || l == over {
			return Lease{}, ErrUnknownHost
		}
		if err := l.fence(incarnation); err != nil {
			return Lease{}, err
		}
		now := r.time.now()
		wasSuspect, there := l.word.beat(now - min(now, int64(age)))
		if wasSuspect {
			r.recover(l)
		}
		if there {
			return l.lease(), nil
		}
		over = l
	}
}

// recover is the one heartbeat in many that needs the lock: that of a suspect.
func (r *Registry[M]) recover(l *life[M]) {
	now := r.lock()
	defer r.unlock()
	if l.word.v.Load() >= 0 {
		r.reconsider(l, now)
	}
}

// fence keeps other incarnations out: the past is ErrStale, the future is not
// here yet.
func (l *life[M]) fence(incarnation uint64) error {
	switch {
	case incarnation == 0 || incarnation == l.incarnation:
		return nil
	case incarnation < l.incarnation:
		return ErrStale
	default:
		return ErrUnknownHost
	}
}

func (l *life[M]) lease() Lease {
	return Lease{Interval: l.terms.Load().interval, Incarnation: l.incarnation, Life: l.number}
}
