package hostmgr

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// A Registry knows which hosts are there. Make one with New; all its methods
// are safe for concurrent use.
type Registry[M any] struct {
	// There is one lock for changes and none for beats. Whatever begins or ends a
	// life, or tells watchers of it, happens under mu, a sweep's work a page of hosts
	// at a time; so there is one order of events, and what is under mu is always
	// consistent. A heartbeat finds its slot in the table without a lock, and swaps
	// one word.

	cfg   Config[M]
	log   *asynclog.Log // in front of the embedder's logger; cfg.Logger writes to it
	time  *timeline
	judge *judge
	clean *cleaner[M]

	recorder *recorder // if one is set

	table  *table[M]
	lender lender

	metronome *metronome // if a Cadence is set
	lends     bool       // Run may lend

	cautious  bool // something may hold a host that is due
	attentive bool // the gap before each sign of life is of interest: see attend

	running   atomic.Bool
	asking    atomic.Bool    // a batch is out with Confirm
	asks      sync.WaitGroup // the goroutine under Run that asks Confirm
	unsaid    atomic.Int64   // stalls that were not logged yet, in nanoseconds
	sayAt     atomic.Int64   // when they may be
	wake      chan struct{}  // tells Run that its plan is out of date; one slot
	sweepGate chan struct{}  // one slot: who has put something in may scan

	mu          sync.RWMutex // guards all below
	ledger      ledger
	fine        ledger // of impatient hosts: see threshold
	threshold   threshold
	zones       zones
	watchers    []*watcher[M] // replaced, never changed in place
	scanning    bool          // a sweep looks at pages
	news        bool          // watchers must be woken when mu is released
	planned     int64         // when Run means to sweep next
	stir        bool          // that is too late: wake it when mu is released
	work        bool          // a cleanup was queued: hire when mu is released
	seq         uint64        // of the latest event
	lives       uint64        // the latest life's number
	incarnation uint64        // the latest that was assigned
	counts      Stats
	figures     figures
	evictees    evictees
	shadow      shadow
	recorded    bool // the recorder has something to write when mu is released
}

// New returns an empty registry, or an error that wraps ErrInvalid.
func New[M any](cfg Config[M]) (*Registry[M], error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	log := asynclog.New(cfg.Logger)
	cfg.Logger = log.Logger()
	r := &Registry[M]{
		cfg:       cfg,
		log:       log,
		judge:     newJudge(cfg.Policy, cfg.Shadow, cfg.Logger),
		metronome: newMetronome(cfg.Cadence),
		wake:      make(chan struct{}, 1),
		sweepGate: make(chan struct{}, 1),
	}
	r.table = newTable[M](r.judge.learns)
	r.attentive = r.judge.learns || cfg.Shadow != nil || cfg.Recorder != nil
	r.lends = cfg.Clock == clock.System() && !r.attentive
	r.cautious = cfg.Confirm != nil || cfg.Guard.on()
	r.time = newTimeline(cfg.Clock, r.wake, cfg.MaxGap)
	r.clean = newCleaner(cfg, r.time, r.wake)
	r.recorder = newRecorder(cfg, r.time.reading(0))
	r.judge.longest, r.threshold.first = longest(cfg.MaxGap), classes
	r.setGiven(max(0, int64(cfg.MaxGap)), false)
	r.incarnation = uint64(max(0, cfg.Clock.Now().UnixNano()))
	r.lives = firstLife(r.incarnation)
	if r.metronome != nil {
		r.metronome.first = r.lives
	}
	return r, nil
}

// firstLife is the number before the first that a registry gives to a life. Numbers count on from
// the time, in nanoseconds, at which the registry was made: so a process that starts later uses no
// number of an earlier one again, for no process has hosts join faster than one a nanosecond. What
// chance adds, up to a second, tells registries apart that were made at the same time, or after
// the clock was set back.
func firstLife(now uint64) uint64 {
	return min(now, maxLife) + rand.Uint64N(1<<30)
}

// lock takes mu, and returns the time: that of a clock reading before it, or of another
// caller that was quicker. So under mu time never goes back.
func (r *Registry[M]) lock() (now int64) {
	r.time.raise(r.time.now())
	r.mu.Lock()
	return r.time.floor.Load()
}

// rlock is lock for reading; the caller releases it with mu.RUnlock.
func (r *Registry[M]) rlock() (now int64) {
	now = r.time.now()
	r.mu.RLock()
	return max(now, r.time.floor.Load())
}

// unlock releases mu, and then does what must not be done under it: waking
// watchers, Run and cleanup workers.
func (r *Registry[M]) unlock() {
	var watchers []*watcher[M]
	if r.news {
		watchers = r.watchers
	}
	stir, work, recorded := r.stir, r.work, r.recorded
	r.news, r.stir, r.work, r.recorded = false, false, false, false
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
	if recorded {
		poke(r.recorder.kick)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// plan wakes Run if it means to sleep beyond next.
func (r *Registry[M]) plan(next int64) { r.stir = r.stir || next < r.planned }
