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

// A machine plays random scripts to the registry and to the model. Its exported methods
// are the actions that rapid chooses from.
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

// TestRapid: whatever is done to a registry, under whatever policy, it is what the model
// is. A failure is shrunk to the shortest script that shows it, and kept in testdata.
func TestRapid(t *testing.T) {
	sequences := 0
	for range times(20, 10_000) {
		rapid.Check(t, func(r *rapid.T) { // a hundred times
			sequences++
			x := &machine{m: newModel(rapid.SampledFrom(policies).Draw(r, "policy"))}
			x.m.most = rapid.SampledFrom([]int{0, 0, 3}).Draw(r, "most")
			x.cfg = hostmgr.Config[string]{Policy: x.m.policy, MaxHosts: x.m.most, Cleanup: x.cleanup}
			if rapid.Bool().Draw(r, "recorded") {
				x.cfg.Recorder, x.cfg.Shadow = &x.log, hostmgr.Adaptive{}
			}
			x.script = newScript(t, x.cfg)
			r.Repeat(rapid.StateMachineActions(x))
			x.judge(r)
		})
		if t.Failed() {
			return
		}
	}
	t.Log(sequences, "sequences")
}

var policies = []hostmgr.Policy{
	hostmgr.Multiple(1), hostmgr.Multiple(2), hostmgr.Multiple(3.3),
	hostmgr.Tiered{Jitter: 30 * time.Millisecond, Offline: 100 * time.Millisecond},
	saint{}, steady{hostmgr.Multiple(2)},
}

// A steady policy learns, and never changes its mind.
type steady struct{ hostmgr.Multiple }

func (steady) Learns() bool { return true }

// A saint suspects soon, and gives up only those of short intervals.
type saint struct{}

func (saint) Patience(p hostmgr.Pulse) (suspect, evict time.Duration) {
	if p.Interval > 50*time.Millisecond {
		return p.Interval / 2, 0
	}
	return 0, 3 * p.Interval
}

var (
	someID          = rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	someIncarnation = rapid.SampledFrom([]uint64{0, 0, 1, 2, 3, 1 << 63})
	someInterval    = rapid.SampledFrom([]time.Duration{10, 20, 40, 70, 1000})
)

func (x *machine) cleanup(context.Context, hostmgr.Departure[string]) error {
	x.cleaned++
	return nil
}

// judge judges the flight recorder's log again: no verdict changes.
func (x *machine) judge(t *rapid.T) {
	x.Registry.Sweep(context.Background()) // writes
	for v, err := range flight.Judge(flight.Read(&x.log), x.m.policy) {
		if err != nil || v.Change != "" {
			t.Fatalf("%v: %+v", err, v)
		}
	}
}

// Check is what holds after every step.
func (x *machine) Check(t *rapid.T) {
	if d := x.m.differ(x.script); d != "" {
		t.Fatal(d)
	}
	usable := 0
	for _, h := range x.m.hosts {
		if s := x.m.state(h); s == hostmgr.Alive || s == hostmgr.Late {
			usable++
		}
	}
	if got := len(x.Sample(9, nil)); got != usable {
		t.Fatalf("%d sampled of %d", got, usable)
	}
	x.checkNext(t)
	departed := x.m.gone[hostmgr.Left] + x.m.gone[hostmgr.Evicted] + x.m.gone[hostmgr.Replaced]
	if st := x.Stats(); st.CleanupPending+x.cleaned != departed {
		t.Fatalf("%d cleaned up, %d pending, of %d", x.cleaned, st.CleanupPending, departed)
	}
}

// checkNext: a driver that sweeps when Next says so is never late.
func (x *machine) checkNext(t *rapid.T) {
	next, ok := x.Next()
	for id, h := range x.m.hosts {
		due := x.deadline(h)
		if due > 0 && (!ok || next.Sub(x.clock.Now()) > x.m.behind+max(0, due-x.m.now)) {
			t.Fatalf("Next is %v, %v; %s is due in %v", next, ok, id, due-x.m.now)
		}
	}
}

// deadline is when a host is due, if nothing more is heard; 0: never.
func (x *machine) deadline(h modelHost) time.Duration {
	_, evict := x.m.policy.Patience(hostmgr.Pulse{Interval: h.interval})
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
	old, there := x.m.hosts[id]
	was, _ := x.Get(id)
	lease, err := x.Registry.Announce(a)
	switch {
	case a.Incarnation == 0 && there:
		a.Incarnation = old.incarnation
	case a.Incarnation == 0 && err == nil:
		if lease.Incarnation <= x.assigned {
			t.Fatalf("assigned %d after %d", lease.Incarnation, x.assigned)
		}
		a.Incarnation, x.assigned = lease.Incarnation, lease.Incarnation
	}
	agree(t, x.m.announce(id, a.Incarnation, a.Interval), err)
	if err != nil {
		return
	}
	if lease.Incarnation != a.Incarnation || lease.Interval != a.Interval {
		t.Fatalf("%+v for %+v", lease, a)
	}
	if same := there && old.incarnation == a.Incarnation; same != (was.Life == lease.Life) {
		t.Fatalf("life %d, then %d", was.Life, lease.Life)
	}
}

func agree(t *rapid.T, want, got error) {
	if !errors.Is(got, want) {
		t.Fatalf("answered %v, not %v", got, want)
	}
}

func (x *machine) Heartbeat(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	lease, err := x.Registry.Heartbeat(id, incarnation)
	agree(t, x.m.observe(id, incarnation, 0), err)
	if h := x.m.hosts[id]; err == nil && (lease.Incarnation != h.incarnation || lease.Interval != h.interval) {
		t.Fatalf("%+v for %+v", lease, h)
	}
}

func (x *machine) Observe(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	age := time.Duration(rapid.IntRange(-1, 100).Draw(t, "age")) * time.Millisecond
	agree(t, x.m.observe(id, incarnation, min(x.m.now, max(0, age))), x.Registry.Observe(id, incarnation, age))
}

func (x *machine) Leave(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	err := x.Registry.Leave(context.Background(), id, incarnation)
	agree(t, x.m.remove(id, incarnation, hostmgr.Left), err)
}

func (x *machine) Forget(t *rapid.T) {
	id, incarnation := someID.Draw(t, "id"), someIncarnation.Draw(t, "incarnation")
	agree(t, x.m.remove(id, incarnation, hostmgr.Forgotten), x.Registry.Forget(id, incarnation))
}

func (x *machine) Sweep(t *rapid.T) {
	want := x.m.sweep()
	rep := x.Registry.Sweep(context.Background())
	suspects := 0
	for _, h := range x.m.hosts {
		if x.m.state(h) == hostmgr.Suspect {
			suspects++
		}
	}
	st := x.Stats()
	if rep.Evicted != want || st.Suspects != suspects || st.CleanupPending != 0 {
		t.Fatalf("%+v, %+v; not %d evicted, %d suspect, all cleaned up", rep, st, want, suspects)
	}
}

func (x *machine) Advance(t *rapid.T) {
	x.advance(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond)
}

// AdvanceToDeadline meets the very nanosecond at which a host is due, or the last one at
// which it is not.
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

// StepBack is of the clock: the registry's time stands still from the sweep before it until the
// clock has caught up; or goes on from there, if it is more than a second behind.
func (x *machine) StepBack(t *rapid.T) {
	x.Sweep(t)
	back := time.Duration(rapid.IntRange(1, 2000).Draw(t, "back")) * time.Millisecond
	x.clock.Advance(-back)
	if x.m.behind += back; x.m.behind > time.Second {
		x.m.behind = 0
	}
}

// Keep remembers who is there, for a Restore.
func (x *machine) Keep(*rapid.T) { x.kept, x.keptToo = slices.Collect(x.All()), maps.Clone(x.m.hosts) }

// Restore lets those join again that are not there.
func (x *machine) Restore(t *rapid.T) {
	want, start := 0, x.m.start(x.clock.Now())
	for _, h := range x.kept {
		known := x.keptToo[h.ID]
		known.joined = min(x.m.now, h.Joined.Sub(start)) // which the clock may have left behind
		if x.m.restore(h.ID, known) {
			want++
		}
	}
	got, err := x.Registry.Restore(slices.Values(x.kept))
	if got != want || x.m.most == 0 && err != nil {
		t.Fatalf("%d restored, not %d: %v", got, want, err)
	}
}

// Restart seeds a registry with all hosts of the one before: they have their whole
// patience again.
func (x *machine) Restart(t *rapid.T) {
	old, cfg := x.Registry, x.cfg
	cfg.Clock = x.clock
	next, err := hostmgr.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := x.m.hosts
	x.m.hosts, x.m.gone, x.cleaned, x.assigned = map[string]modelHost{}, map[hostmgr.Kind]int{}, 0, 0
	for id, h := range before {
		h.joined = min(x.m.now, h.joined+x.m.behind) // which its own clock has not reached
		x.m.restore(id, h)
	}
	x.m.behind = 0
	x.Registry = next
	if n, err := next.Restore(old.All()); n != len(before) || err != nil {
		t.Fatalf("%d restored of %d: %v", n, len(before), err)
	}
}

func (m *model) restore(id string, h modelHost) bool {
	if _, there := m.hosts[id]; there || m.most > 0 && len(m.hosts) == m.most {
		return false
	}
	h.seen = m.now
	m.hosts[id] = h
	return true
}
