package hostmgr_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// A machine runs random scripts against the registry and the model. Its exported methods are the
// actions that rapid chooses from.
type machine struct {
	*script
	m        *model
	cfg      hostmgr.Config[string]
	cleaned  int
	assigned uint64 // the greatest incarnation that this registry assigned
	log      bytes.Buffer
	kept     []hostmgr.Host[string]
	keptToo  map[string]modelHost
}

// The registry agrees with the model after any script, under any policy. A failure is shrunk to the
// shortest script that shows it, and kept in testdata.
func TestRapid(t *testing.T) {
	sequences := 0
	for range times(10, 10_000) {
		rapid.Check(t, func(r *rapid.T) { // a hundred times
			sequences++
			x := &machine{m: newModel(rapid.SampledFrom(policies).Draw(r, "policy"))}
			x.m.limit = rapid.SampledFrom([]int{0, 0, 3}).Draw(r, "limit")
			x.cfg = hostmgr.Config[string]{Policy: x.m.policy, MaxHosts: x.m.limit, Cleanup: x.cleanup}
			if rapid.Bool().Draw(r, "recorded") {
				x.cfg.Recorder, x.cfg.Shadow = &x.log, hostmgr.PhiAccrual{}
			}
			x.script = newScript(t, x.cfg)
			r.Repeat(rapid.StateMachineActions(x))
			x.replay(r)
		})
		if t.Failed() {
			return
		}
	}
	t.Log(sequences, "sequences")
}

var policies = []hostmgr.Policy{
	hostmgr.Fixed(1.1), hostmgr.Fixed(2), hostmgr.Fixed(3.3),
	hostmgr.Tiered{Jitter: 30 * time.Millisecond, Offline: 100 * time.Millisecond},
	lenient{}, steady{hostmgr.Fixed(2)},
}

// A steady policy is a HistoryPolicy whose answer does not depend on the history.
type steady struct{ hostmgr.Fixed }

func (steady) NeedsHistory() bool { return true }

// A lenient policy suspects early, and evicts only hosts with short intervals.
type lenient struct{}

func (lenient) Timeouts(p hostmgr.History) (suspect, evict time.Duration) {
	if p.Interval > 50*time.Millisecond {
		return p.Interval / 2, 0
	}
	return 0, 3 * p.Interval
}

var (
	someID          = rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	someIncarnation = rapid.SampledFrom([]uint64{0, 0, 1, 2, 3, 1 << 63})
	someInterval    = rapid.SampledFrom([]time.Duration{0, 10, 20, 40, 70, 1000})
)

func (x *machine) cleanup(context.Context, hostmgr.Departure[string]) error {
	x.cleaned++
	return nil
}

// replay replays the flight recorder's log: no verdict changes.
func (x *machine) replay(t *rapid.T) {
	x.Registry.Sweep(context.Background()) // writes
	for v, err := range flight.Replay(flight.Read(&x.log), x.m.policy) {
		if err != nil || v.Change != "" {
			t.Fatalf("%v: %+v", err, v)
		}
	}
}

// Check checks what holds after each step.
func (x *machine) Check(t *rapid.T) {
	if d := x.m.differ(x.script); d != "" {
		t.Fatal(d)
	}
	usable := 0
	for _, h := range x.m.hosts {
		if s := x.m.state(h); s == hostmgr.StateAlive || s == hostmgr.StateLate {
			usable++
		}
	}
	if got := len(x.Sample(9, nil)); got != usable {
		t.Fatalf("%d sampled of %d", got, usable)
	}
	x.checkNext(t)
	departed := x.m.gone[hostmgr.DepartureLeft] + x.m.gone[hostmgr.DepartureEvicted] + x.m.gone[hostmgr.DepartureReplaced]
	if st := x.Stats(); st.Cleanup.Pending+x.cleaned != departed {
		t.Fatalf("%d cleaned up, %d pending, of %d", x.cleaned, st.Cleanup.Pending, departed)
	}
}

// checkNext checks that a driver that follows Next is never late.
func (x *machine) checkNext(t *rapid.T) {
	next, ok := x.Next()
	for id, h := range x.m.hosts {
		due := x.deadline(h)
		if due > 0 && (!ok || next.Sub(x.clock.Now()) > x.m.behind+max(0, due-x.m.now)) {
			t.Fatalf("Next is %v, %v; %s is due in %v", next, ok, id, due-x.m.now)
		}
	}
}

// deadline returns when a host is due without another contact; 0: never.
func (x *machine) deadline(h modelHost) time.Duration {
	_, evict := x.m.policy.Timeouts(hostmgr.History{Interval: h.interval})
	if evict == 0 {
		return 0
	}
	return h.seen + evict + 1
}

func (x *machine) Announce(t *rapid.T) {
	id := someID.Draw(t, "id")
	a := hostmgr.Announcement[string]{
		ID: id, Incarnation: someIncarnation.Draw(t, "incarnation"),
		Interval: someInterval.Draw(t, "interval") * time.Millisecond,
	}
	if x.m.isUnsure(id, a.Incarnation) {
		return
	}
	old, there := x.m.hosts[id]
	was, _ := x.Get(id)
	ack, err := x.Registry.Announce(a)
	switch {
	case a.Incarnation == 0 && there:
		a.Incarnation = old.incarnation
	case a.Incarnation == 0 && err == nil:
		if ack.Incarnation <= x.assigned {
			t.Fatalf("assigned %d after %d", ack.Incarnation, x.assigned)
		}
		a.Incarnation, x.assigned = ack.Incarnation, ack.Incarnation
	}
	agree(t, x.m.announce(id, a.Incarnation, a.Interval), err)
	if err != nil {
		return
	}
	if ack.Incarnation != a.Incarnation || ack.Interval != x.m.hosts[id].interval {
		t.Fatalf("%+v for %+v", ack, a)
	}
	if same := there && old.incarnation == a.Incarnation; same != (was.Registration == ack.Registration) {
		t.Fatalf("registration %d, then %d", was.Registration, ack.Registration)
	}
}

func agree(t *rapid.T, want, got error) {
	if !errors.Is(got, want) {
		t.Fatalf("answered %v, not %v", got, want)
	}
}

func (x *machine) Heartbeat(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	ack, err := x.Registry.Heartbeat(id, incarnation)
	agree(t, x.m.observe(id, incarnation, 0), err)
	if h := x.m.hosts[id]; err == nil && (ack.Incarnation != h.incarnation || ack.Interval != h.interval) {
		t.Fatalf("%+v for %+v", ack, h)
	}
}

func (x *machine) Observe(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	age := time.Duration(rapid.IntRange(-1, 100).Draw(t, "age")) * time.Millisecond
	want := hostmgr.ErrInvalid
	if age >= 0 {
		want = x.m.observe(id, incarnation, age)
	}
	agree(t, want, x.Registry.Observe(id, incarnation, age))
}

// Update lets some other step come between, and is done at the next attempt.
func (x *machine) Update(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	between := []func(*rapid.T){nil, x.Announce, x.Heartbeat, x.Forget, x.Sweep, x.Advance}[rapid.IntRange(0, 5).Draw(t, "between")]
	before, want := x.m.find(id, incarnation)
	got := x.Registry.Update(id, incarnation, func(m string) string {
		if between != nil {
			between(t)
			between = nil
		}
		return m + "+"
	})
	if want == nil {
		want = x.m.update(id, before.incarnation, func(m string) string { return m + "+" })
	}
	agree(t, want, got)
}

func (x *machine) Leave(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	err := x.Registry.Leave(context.Background(), id, incarnation)
	agree(t, x.m.remove(id, incarnation, hostmgr.DepartureLeft), err)
}

func (x *machine) Forget(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	agree(t, x.m.remove(id, incarnation, hostmgr.DepartureForgotten), x.Registry.Forget(id, incarnation))
}

func (x *machine) Sweep(t *rapid.T) {
	want := x.m.sweep()
	rep := x.Registry.Sweep(context.Background())
	suspects := 0
	for _, h := range x.m.hosts {
		if x.m.state(h) == hostmgr.StateSuspect {
			suspects++
		}
	}
	st := x.Stats()
	if rep.Evicted != want || st.Suspects != suspects || st.Cleanup.Pending != 0 {
		t.Fatalf("%+v, %+v; not %d evicted, %d suspect, all cleaned up", rep, st, want, suspects)
	}
}

func (x *machine) Advance(t *rapid.T) {
	x.advance(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond)
}

// AdvanceToDeadline moves the clock to the nanosecond at which a host is due, or to the one before.
func (x *machine) AdvanceToDeadline(t *rapid.T) {
	if h, there := x.m.hosts[someID.Draw(t, "of")]; there {
		due := x.deadline(h) - time.Duration(rapid.IntRange(0, 1).Draw(t, "before"))
		x.advance(x.m.behind + max(0, due-x.m.now))
	}
}

func (x *machine) advance(d time.Duration) {
	still := min(d, x.m.behind)
	x.m.behind -= still
	x.m.now += d - still
	x.clock.Advance(d)
}

// StepBack steps the clock back. The registry's time stands still from the sweep before the step
// until the clock has caught up; or goes on from that sweep, if the clock is more than a second
// behind.
func (x *machine) StepBack(t *rapid.T) {
	x.Sweep(t)
	back := time.Duration(rapid.IntRange(1, 2000).Draw(t, "back")) * time.Millisecond
	x.clock.Advance(-back)
	if x.m.behind += back; x.m.behind > time.Second {
		x.m.behind = 0
	}
}

// Keep saves the current hosts for a Restore.
func (x *machine) Keep(*rapid.T) {
	x.kept, x.keptToo = slices.Collect(x.All()), maps.Clone(x.m.hosts)
	for id, h := range x.keptToo {
		h.wasSuspect = x.m.state(h) >= hostmgr.StateSuspect
		x.keptToo[id] = h
	}
}

// Restore restores the saved hosts that are missing, unless their cleanup is owed.
func (x *machine) Restore(t *rapid.T) {
	want, start := 0, x.m.start(x.clock.Now())
	type registration struct { // numbers repeat if the clock is set back before a restart
		id     string
		number uint64
	}
	owed := map[registration]bool{}
	for d := range x.Pending() {
		owed[registration{d.Host.ID, d.Host.Registration}] = true
	}
	for _, h := range x.kept {
		if owed[registration{h.ID, h.Registration}] {
			continue
		}
		known := x.keptToo[h.ID]
		known.joined = min(x.m.now, h.Joined.Sub(start)) // the clock may have stepped back since
		if x.m.restore(h.ID, known, h.LastContact.Sub(start)) {
			want++
		}
	}
	got, err := x.Registry.Restore(slices.Values(x.kept))
	if got != want || x.m.limit == 0 && err != nil {
		t.Fatalf("%d restored, not %d: %v", got, want, err)
	}
}

// Restart restores all hosts into a new registry: each of them has its whole timeout again.
func (x *machine) Restart(t *rapid.T) {
	old, cfg := x.Registry, x.cfg
	cfg.Clock = x.clock
	next, err := hostmgr.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := x.m.hosts
	x.m.hosts, x.m.gone, x.cleaned, x.assigned = map[string]modelHost{}, map[hostmgr.DepartureKind]int{}, 0, 0
	x.m.forgetEnds()
	for id, h := range before {
		h.wasSuspect = x.m.state(h) >= hostmgr.StateSuspect
		h.joined = min(x.m.now, h.joined+x.m.behind) // the clock of the new registry has not reached it
		x.m.restore(id, h, h.seen-h.before+x.m.behind)
	}
	x.m.behind = 0
	x.Registry = next
	if n, err := next.Restore(old.All()); n != len(before) || err != nil {
		t.Fatalf("%d restored of %d: %v", n, len(before), err)
	}
}

func (m *model) restore(id string, h modelHost, last time.Duration) bool {
	if _, there := m.hosts[id]; there || m.limit > 0 && len(m.hosts) == m.limit {
		return false
	}
	h.seen, h.before = m.now, max(0, m.now-last)
	m.hosts[id] = h
	return true
}
