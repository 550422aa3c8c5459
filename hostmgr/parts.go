package hostmgr

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
	"github.com/hostlife/hostlife/hostmgr/internal/pacing"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// parts is what a Registry is made of. The parts never change after New. Each is safe for
// concurrent use, or says which of its methods need the lock.
type parts[M any] struct {
	cfg           Config[M]
	logger        *slog.Logger // of the embedder
	began         time.Time
	log           *asynclog.Log // in front of the embedder's logger; cfg.Logger writes to it
	clock         *monotime.Clock
	policies      *policies
	advisor       *pacing.Advisor // nil without Config.Pacing
	index         *index.Index
	metadata      metadata[M]  // in the index
	made          uint64       // the incarnations that are assigned are greater
	restoredAt    atomic.Int64 // when Restore last registered a host; at first -1
	shared        atomic.Bool  // Sharing.Begin was called
	member        atomic.Bool  // and its End was not
	cleanups      *cleanup.Queue[*Departure[M]]
	confirmCalls  *calls.Calls
	events        *eventlog.Log // nil without Config.Recorder
	stallLogger   *stallLogger
	evictions     *evictionLogger // nil without Config.Logger; note, describe and due need the lock
	cleanupLogger *cleanupLogger

	configHolds bool // something may hold a host that is due: see also view.mayHold
	plain       bool // metadata is compared, and may be kept with a departure: see compareAndRefresh and report
	tracksGaps  bool // the gap before each contact matters: see Registry.slowHeartbeat
}

// newParts makes the parts of a registry. replan makes Run compute its next deadline again; mu is
// the registry's lock.
func newParts[M any](cfg Config[M], first uint64, replan func(), mu sync.Locker) *parts[M] {
	c := monotime.New(cfg.Clock, cfg.StallThreshold, replan)
	log := asynclog.New(cfg.Logger, c.Now, replan)
	evictions := newEvictionLogger(cfg.Logger, log, mu)
	logger := cfg.Logger
	cfg.Logger = log.Logger("")
	p := &parts[M]{cfg: cfg, logger: logger, began: cfg.Clock.Now(), clock: c, log: log, evictions: evictions}
	p.stallLogger = &stallLogger{log: cfg.Logger, sums: log.Direct()}
	p.cleanupLogger = &cleanupLogger{lines: log, log: log.Direct()}
	p.confirmCalls = newConfirmCalls(p.clock, cfg.ConfirmTimeout)
	p.policies = newPolicies(cfg.Policy, cfg.Shadow, commonThreshold(cfg.StallThreshold), cfg.Logger)
	p.advisor = newAdvisor(cfg.Pacing, first)
	p.index = index.New(p.metadata.values(), p.policies.needHistory)
	p.events = newEventLog(cfg, p.clock)
	p.plain = p.metadata.comparable()
	p.configHolds = cfg.Confirm != nil || cfg.EvictionLimit.on()
	p.tracksGaps = p.policies.needHistory || cfg.Shadow != nil || cfg.Recorder != nil
	return p
}

const runThreshold = 500 * time.Millisecond // the default under Run

// commonThreshold returns the stall threshold under Run for hosts that are not impatient. 0 means
// that no gap is a stall.
func commonThreshold(configured time.Duration) int64 {
	if configured == 0 {
		return int64(runThreshold)
	}
	return max(0, int64(configured))
}
