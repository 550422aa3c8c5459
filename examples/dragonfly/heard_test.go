package dragonfly_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly"
	"github.com/hostlife/hostlife/hostmgr"
)

// A peer may still refer to a host that was replaced since. The caller must not go on with it,
// because its peers never leave.
func TestHeardReturnsTheHostThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		old, now := newHost("a", standard.WithAnnounceInterval(time.Minute)), newHost("a")
		h.Store(old)
		h.Store(now)
		time.Sleep(time.Second)
		current, ok := h.Heard(old)
		require.True(t, ok)
		require.Same(t, now, current)
		for _, host := range []*standard.Host{old, now} {
			require.Equal(t, time.Now(), host.UpdatedAt.Load())
		}
		host, _ := h.Registry().Get("a")
		require.Equal(t, interval, host.Interval)
		require.Equal(t, time.Now().Round(0), host.LastContact.Round(0))
	})
}

// AnnounceHost writes a new interval to the host itself. A host that is due gets it.
func TestALongerIntervalEvictsNoHostEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		host := newSeed("a")
		h.Store(host)
		host.AnnounceInterval, host.Type = time.Hour, types.HostTypeNormal
		requireHeard(t, h, host)
		for range 24 {
			time.Sleep(5 * time.Minute)
			require.NoError(t, h.RunGC(t.Context()))
			require.Len(t, h.LoadAllSeeds(), 1) // as stored
		}
		host.AnnounceInterval = 0
		time.Sleep(time.Nanosecond)
		require.NoError(t, h.RunGC(t.Context()))
		time.Sleep(1000 * time.Hour)
		require.NoError(t, h.RunGC(t.Context()))
		requireState(t, h, "a", hostmgr.StateAlive)
	})
}

func TestStoreAppliesAShorterInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		host := newHost("a")
		h.Store(host)
		host.AnnounceInterval = time.Minute
		requireHeard(t, h, host)
		time.Sleep(2*time.Minute + 1)
		require.NoError(t, h.RunGC(t.Context()))
		require.Equal(t, 1, h.Len()) // it has the timeout of the old one
		h.Store(host)
		require.NoError(t, h.RunGC(t.Context()))
		require.Zero(t, h.Len())
	})
}

// AnnounceHost writes AnnounceInterval while a piece comes from the same host. The race detector
// fails this test if Heard reads it.
func TestHeardDoesNotReadWhatAnnounceHostWrites(t *testing.T) {
	h := newHosts(t, dragonfly.Options{})
	host := newHost("a")
	h.Store(host)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 100 {
			host.AnnounceInterval, host.Type = time.Duration(i), types.HostType(i%2)
		}
	})
	wg.Go(func() {
		for range 100 {
			_, _ = h.Heard(host)
		}
	})
	wg.Wait()
	requireHeard(t, h, host)
}

// A step of the wall clock is not silence, not even for a host of which only UpdatedAt is stored.
func TestAStepOfTheWallClockEvictsNoHost(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour, 365 * 24 * time.Hour} {
		clock := &steppable{started: time.Now()}
		h := newHosts(t, dragonfly.Options{Clock: clock})
		host := newHost("a")
		host.UpdatedAt.Store(clock.Now())
		h.Store(host)
		clock.elapsed = 9 * time.Minute
		host.UpdatedAt.Store(clock.Now()) // without Heard
		clock.elapsed, clock.step = 11*time.Minute, step
		require.NoError(t, h.RunGC(t.Context()))
		require.Equal(t, 1, h.Len(), step)
		requireState(t, h, "a", hostmgr.StateAlive)
		clock.elapsed = 20 * time.Minute
		require.NoError(t, h.RunGC(t.Context()))
		require.Zero(t, h.Len(), step)
	}
}

// A steppable is a clock like the system's: its readings are monotonic, although its wall clock is
// stepped.
type steppable struct {
	started       time.Time
	elapsed, step time.Duration
}

func (c *steppable) After(time.Duration) <-chan time.Time { return nil }

// Now moves the wall clock of a reading, and keeps its monotonic part. Package time has no function
// for that, so this changes the bits of a Time that hold the wall clock.
func (c *steppable) Now() time.Time {
	t := c.started.Add(c.elapsed)
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.step/time.Second) << 30
	return t
}

func TestAHostWithoutUpdatedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, dragonfly.Options{})
		host := newHost("a")
		host.UpdatedAt = nil
		h.Store(host)
		requireState(t, h, "a", hostmgr.StateAlive)
		time.Sleep(interval)
		requireHeard(t, h, host)
		time.Sleep(2 * interval)
		require.NoError(t, h.RunGC(t.Context()))
		require.Equal(t, 1, h.Len())
		time.Sleep(time.Nanosecond)
		require.NoError(t, h.RunGC(t.Context()))
		require.Zero(t, h.Len())
	})
}
