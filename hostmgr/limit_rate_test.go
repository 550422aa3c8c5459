package hostmgr_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestTheEvictionLimitRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone []time.Duration
		start := time.Now()
		r, err := hostmgr.New(hostmgr.Config[string]{
			EvictionLimit:  hostmgr.EvictionLimit{PerSecond: 4, MaxHold: 10*second + second/4},
			CleanupWorkers: 1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				gone = append(gone, d.At.Sub(start))
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 100 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
		}
		time.Sleep(20 * second)
		stop()
		bySecond := map[int]int{}
		for _, at := range gone {
			bySecond[int(at/second)]++
		}
		require.Equal(t, 12*second+second/4+2, gone[99])
		require.Equal(t, map[int]int{2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 7: 4, 8: 4, 9: 4, 10: 4, 11: 4, 12: 60}, bySecond,
			"a second's worth that was saved up, then 4 a second, and the rest when Hold is over")
	})
}

// A slow clock can be told not to return from its next reading.
type slow struct {
	*clockwork.FakeClock
	stop  atomic.Bool
	stuck chan chan struct{}
}

func (c *slow) Now() time.Time {
	now := c.FakeClock.Now()
	if c.stop.CompareAndSwap(true, false) {
		free := make(chan struct{})
		c.stuck <- free
		<-free
	}
	return now
}

func (c *slow) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// A leave reads the clock first and takes the lock last. No time counts twice for the tokens.
func TestNoTimeCountsTwiceForTokens(t *testing.T) {
	clock := &slow{FakeClock: clockwork.NewFakeClock(), stuck: make(chan chan struct{})}
	s := newScriptOn(t, clock.FakeClock, hostmgr.Config[string]{Clock: clock, EvictionLimit: hostmgr.EvictionLimit{PerSecond: 1, MaxHold: time.Hour}})
	for i := range 100 {
		s.join(strconv.Itoa(i))
	}
	s.after(3 * second)
	ids := s.ids()
	clock.stop.Store(true)
	left := make(chan error)
	go func() { left <- s.Leave(context.Background(), ids[0], 0) }()
	free := <-clock.stuck
	clock.Advance(9 * second)
	require.NoError(t, s.Leave(context.Background(), ids[1], 0))
	close(free)
	require.NoError(t, <-left)
	require.Equal(t, 9, s.after(0).Evicted)
}
