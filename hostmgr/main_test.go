package hostmgr_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/internal/effort"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = time.Second

// times returns how often a test tries something.
var times = effort.Times[int]

// A script is a registry on a fake clock, driven by hand.
type script struct {
	*hostmgr.Registry[string]
	clock *clockwork.FakeClock
	t     testing.TB
}

func newScript(t testing.TB, cfg hostmgr.Config[string]) *script {
	t.Helper()
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	cfg.Clock = clock
	return newScriptOn(t, clock, cfg)
}

// newScriptOn is newScript with a Clock in cfg that wraps the fake one.
func newScriptOn(t testing.TB, clock *clockwork.FakeClock, cfg hostmgr.Config[string]) *script {
	t.Helper()
	r, err := hostmgr.New(cfg)
	require.NoError(t, err)
	return &script{Registry: r, clock: clock, t: t}
}

// join announces a host with an interval of a second.
func (s *script) join(id string) hostmgr.Ack {
	s.t.Helper()
	return s.announce(hostmgr.Announcement[string]{ID: id, Metadata: "data of " + id, Interval: second})
}

func (s *script) announce(a hostmgr.Announcement[string]) hostmgr.Ack {
	s.t.Helper()
	ack, err := s.Announce(a)
	require.NoError(s.t, err)
	return ack
}

func (s *script) heartbeat(id string) {
	s.t.Helper()
	_, err := s.Heartbeat(id, 0)
	require.NoError(s.t, err)
}

// after moves the clock and sweeps.
func (s *script) after(d time.Duration) hostmgr.SweepReport {
	s.clock.Advance(d)
	return s.Sweep(context.Background())
}

func (s *script) get(id string) hostmgr.Host[string] {
	s.t.Helper()
	h, ok := s.Get(id)
	require.True(s.t, ok, "%s is not there", id)
	return h
}

func (s *script) gone(id string) bool {
	_, ok := s.Get(id)
	return !ok
}

func (s *script) ids() []string {
	var ids []string
	for h := range s.All() {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return ids
}

// A cleanupLog records the departures that are passed to its cleanup.
type cleanupLog struct{ departures []hostmgr.Departure[string] }

func (d *cleanupLog) cleanup(_ context.Context, dep hostmgr.Departure[string]) error {
	d.departures = append(d.departures, dep)
	return nil
}

// run starts Run in a synctest bubble. stop ends it and waits for it.
func run[M any](t *testing.T, r *hostmgr.Registry[M]) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	return func() {
		t.Helper()
		cancel()
		requireEnded(t, <-done)
	}
}

// requireEnded checks what Run returned: cleanups may be undone.
func requireEnded(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// firstRegistration lets a host join and depart, and returns the number of its registration: later
// numbers follow it.
func firstRegistration[M any](t testing.TB, r *hostmgr.Registry[M]) uint64 {
	t.Helper()
	ack, err := r.Announce(hostmgr.Announcement[M]{ID: "first"})
	require.NoError(t, err)
	require.NoError(t, r.Forget("first", 0))
	return ack.Registration
}
