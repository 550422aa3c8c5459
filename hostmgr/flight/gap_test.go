package flight_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// A lateClock sometimes fires late, by up to maxDelay.
type lateClock struct {
	clock.Clock
	rnd      *rand.Rand
	maxDelay time.Duration
}

func (c lateClock) After(wait time.Duration) <-chan time.Time {
	if c.rnd.IntN(4) == 0 {
		wait += time.Duration(c.rnd.Int64N(int64(c.maxDelay)))
	}
	return c.Clock.After(wait)
}

// Under Run gaps are stalls for impatient hosts only. The same policy reaches the same verdicts for
// impatient hosts and others in one registry.
func TestGapsAreReplayed(t *testing.T) {
	gaps, evicted := 0, 0
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			rnd := rand.New(rand.NewPCG(seed, 11))
			policy := []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.Fixed(4), hostmgr.PhiAccrual{}, hostmgr.Tiered{Offline: 300 * time.Millisecond, Jitter: time.Millisecond}}[seed%4]
			c := lateClock{clock.System(), rand.New(rand.NewPCG(seed, 12)), 700 * time.Millisecond}
			r, err := hostmgr.New(hostmgr.Config[string]{Clock: c, Policy: policy, Recorder: &log})
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- r.Run(ctx) }()
			intervals := []time.Duration{20 * time.Millisecond, 150 * time.Millisecond, 700 * time.Millisecond, 3 * time.Second}
			for range 1500 {
				time.Sleep(time.Duration(rnd.Int64N(int64(40 * time.Millisecond))))
				i := rnd.IntN(8)
				if rnd.IntN(60) == 0 {
					_ = r.Leave(ctx, strconv.Itoa(i), 0)
				} else if _, err := r.Heartbeat(strconv.Itoa(i), 0); err != nil {
					_, err = r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: intervals[i%4]})
					require.NoError(t, err)
				}
			}
			time.Sleep(20 * time.Second)
			cancel()
			require.NoError(t, <-done)
			gaps += bytes.Count(log.Bytes(), []byte("\ngap "))
			for v, err := range flight.Replay(flight.Read(&log), policy) {
				require.NoError(t, err)
				require.Empty(t, v.Change, "seed %d: %v\n%+v", seed, v, v.Record)
				if v.Kind == "evicted" {
					evicted++
				}
			}
		})
	}
	require.Greater(t, gaps, 1000)
	require.Greater(t, evicted, 200)
}
