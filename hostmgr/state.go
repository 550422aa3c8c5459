package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/claims"
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

// There is one lock for changes, Registry.mu, and none for heartbeats. Each transition of a host,
// and each event that reports it, happens under mu. A sweep takes mu for one bucket of hosts at a
// time. So events have one order, and what mu guards is consistent whenever mu is free. A heartbeat
// finds its host in the index without a lock and swaps one word.

// A view is everything that Registry.mu guards, with the parts that never change. Its methods only
// read: rlock and peek return a view.
type view[M any] struct {
	*parts[M]

	stalls   *detector.Stalls
	limiter  *evictlimit.Limiter
	zones    *zones
	holds    holds
	confirms confirmQueue
	updates  updates
	restored restored
	shadow   shadow
	fence    recent.Fence   // of incarnations that have ended
	claims   *claims.Claims // nil if there is none
	flapping recent.Flapping
	recorder recorder
	watchers []*watcher[M]    // replaced, never changed in place
	vouches  *vouches         // nil unless the registry is shared
	local    *localChanges[M] // likewise

	round         uint64 // of the answers of the policies: see reconsideration
	sweeping      bool   // a sweep is under way
	nextWake      int64  // when Run plans to sweep next
	seq           uint64 // of the latest event
	registrations uint64 // the latest registration's number
	incarnation   uint64 // the latest that was assigned

	counts  Stats // only fields that are counted; Stats computes the others
	latency latencies
	trend   trend
	latest  latest[M]
}

// A state is a view that may be changed: lock returns it. A method that needs the lock is a method
// of *state, so nothing else can call it. Methods of *state never call the embedder, never wait,
// and never send on a channel. They note such work in todo, and unlock does it.
//
// Steps of a call have the state as a field. Embedded, it would give each of them some 60 methods,
// and an embedder's compiler would spend a quarter of its time for a Registry on these.
type state[M any] struct {
	view[M]
	todo pendingWork[M]
}

// pendingWork is what unlock does after the lock is released.
type pendingWork[M any] struct {
	watchers []*watcher[M] // to be woken
	replan   bool          // Run plans to sweep too late
	cleanups bool          // a cleanup was queued
	conflict string        // the id of a host that two machines may use
	wake     func()        // there is something for Sharing.Take
}

func newState[M any](p *parts[M], made, first uint64) state[M] {
	s := state[M]{view: view[M]{parts: p, incarnation: made, registrations: first}}
	s.stalls = detector.NewStalls(commonThreshold(p.cfg.StallThreshold))
	s.stalls.SetThreshold(max(0, int64(p.cfg.StallThreshold)), false)
	s.limiter = evictlimit.New(evictlimit.Config(p.cfg.EvictionLimit))
	s.zones = &zones{limiter: s.limiter}
	s.shadow = shadow{on: p.cfg.Shadow != nil, stalls: s.stalls}
	s.recorder = recorder{events: p.events, stalls: s.stalls, zones: s.zones}
	return s
}

// track counts a host with these timeouts for the stall threshold of impatient hosts, or with a
// negative more no longer counts it.
func (s *state[M]) track(t *detector.Timeouts, more int32, now int64) {
	if !t.Impatient() {
		return
	}
	stall, gap, wake := s.stalls.Track(t, more, now)
	s.noteStall(stall, gap)
	s.wakeRunBy(wake)
}

// observe notes that the registry observes its hosts at now. It returns the length of the stall
// that this ends, in nanoseconds, or 0.
func (s *state[M]) observe(now int64) (stalled int64) {
	stalled = s.noteStall(s.stalls.Observe(now))
	if period, news := s.stalls.SlowDriver(); news {
		s.stallLogger.addSlowDriver(period, s.stalls.Threshold())
	}
	return stalled
}

// noteStall logs and records a stall of all hosts, or records a gap, which is a stall for impatient
// hosts only.
func (s *state[M]) noteStall(stall, gap *detector.Stall) (stalled int64) {
	switch {
	case stall != nil:
		s.stallLogger.add(stall.Length())
		s.recorder.stall("stall", stall)
		return stall.Length()
	case gap != nil:
		s.recorder.stall("gap", gap)
	}
	return 0
}

// wakeRunBy makes unlock wake Run if Run plans to sweep after next.
func (s *state[M]) wakeRunBy(next int64) { s.todo.replan = s.todo.replan || next < s.nextWake }

// scheduleCheck makes sure that the host is checked at next, when its state may change. During a
// sweep, a check that is due already is left to the following sweep. So a sweep ends even if
// Observe reports old contacts faster than the sweep checks hosts.
func (s *state[M]) scheduleCheck(e index.Entry, next int64) {
	next = min(next, never)
	if s.sweeping {
		next = max(next, s.stalls.LastObserved()+1)
	}
	s.index.Lower(e, next)
	s.wakeRunBy(next)
}

// checkAfterContact schedules the check of a host that has made contact at a time.
func (s *state[M]) checkAfterContact(e index.Entry, at int64) {
	s.scheduleCheck(e, at+e.Timeouts().MinTimeout(e.Suspect())+1)
}

// mayHold reports whether something may hold a host that is due.
func (s *view[M]) mayHold() bool { return s.configHolds || s.vouches != nil }

// wasTold reports whether this registry has assigned an incarnation to the host before the host got
// the numbers of another member.
func (s *view[M]) wasTold(e index.Entry, incarnation uint64) bool {
	return e.Renumbered() && incarnation > s.made && incarnation <= s.incarnation
}

// find returns the entry of a registration.
func (s *view[M]) find(h index.Hash, id string, registration uint64) (index.Entry, bool) {
	e, ok := s.index.Lookup(h, id)
	return e, ok && e.Registration() == registration
}

// findFor returns the entry of a host if admits accepts the incarnation, or if the host was told it
// before it was told another one: see Sharing.Reflect.
func (s *view[M]) findFor(h index.Hash, id string, incarnation uint64) (e index.Entry, err error) {
	e, ok := s.index.Lookup(h, id)
	if !ok {
		return e, ErrUnknownHost
	}
	if s.vouches != nil && s.wasTold(e, incarnation) {
		return e, nil
	}
	return e, admits(e.Incarnation(), incarnation)
}
