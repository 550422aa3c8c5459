package hostmgr_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// The clock steps back to before a heartbeat, and then the host departs, in any way.
func TestAHostDepartsBeforeItsLastContact(t *testing.T) {
	for name, depart := range map[string]func(*script){
		"left":      func(s *script) { require.NoError(t, s.Leave(context.Background(), "a", 0)) },
		"forgotten": func(s *script) { require.NoError(t, s.Forget("a", 0)) },
		"replaced": func(s *script) {
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 1 << 62})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var cleanups cleanupLog
			s := newScript(t, hostmgr.Config[string]{Recorder: &log, Cleanup: cleanups.cleanup, Shadow: hostmgr.Fixed(1.5)})
			s.join("a")
			s.clock.Advance(10 * second)
			s.Sweep(context.Background())
			s.join("a")
			s.clock.Advance(second)
			s.heartbeat("a")
			s.clock.Advance(-second / 2)
			depart(s)
			s.Sweep(context.Background())
			requireInOrder(t, log.Bytes())
			for _, d := range cleanups.departures {
				require.False(t, d.Host.LastContact.After(d.At))
				require.False(t, d.Host.Joined.After(d.At))
				require.GreaterOrEqual(t, d.Silence, time.Duration(0))
			}
		})
	}
}

// requireInOrder compares the times in each record of a log.
func requireInOrder(t *testing.T, log []byte) {
	t.Helper()
	silences := 0
	for r, err := range flight.Read(bytes.NewReader(log)) {
		require.NoError(t, err, "%s", log)
		require.False(t, r.LastContact.After(r.At), "%s", log)
		require.False(t, r.Due.After(r.At), "%s", log)
		require.False(t, r.StalledSince.After(r.At), "%s", log)
		require.False(t, r.Since.After(r.At), "%s", log)
		require.LessOrEqual(t, r.StallTime, r.At.Sub(r.LastContact), "%s", log)
		if !r.LastContact.IsZero() {
			silences++
		}
	}
	require.NotZero(t, silences)
}

// The clock steps back and forth between calls. No event, departure or record contains a time later
// than its own.
func TestTimesAreInOrderWhereTheClockStepsBack(t *testing.T) {
	for seed := range uint64(times(30, 3000)) {
		rnd := rand.New(rand.NewPCG(seed, 41))
		var log bytes.Buffer
		s := newScript(t, hostmgr.Config[string]{
			Recorder: &log, Shadow: []hostmgr.Policy{hostmgr.Fixed(1.5), hostmgr.PhiAccrual{}}[seed%2],
			StallThreshold: time.Duration(rnd.IntN(3)) * second / 2, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.3, MaxHold: 5 * second},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				require.False(t, d.Host.LastContact.After(d.At), "seed %d: %+v", seed, d)
				require.GreaterOrEqual(t, d.Silence, time.Duration(0))
				require.GreaterOrEqual(t, d.StallTime, time.Duration(0))
				require.GreaterOrEqual(t, d.HeldFor, time.Duration(0))
				return nil
			},
		})
		for i := range 300 {
			id := strconv.Itoa(rnd.IntN(6))
			switch rnd.IntN(9) {
			case 0:
				_ = s.Leave(context.Background(), id, 0)
			case 1, 2:
				s.announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			case 3:
				s.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Incarnation: 1<<62 + uint64(i)})
			case 4:
				_ = s.Observe(id, 0, time.Duration(rnd.Int64N(int64(2*second))))
			case 5:
				s.Sweep(context.Background())
			default:
				_, _ = s.Heartbeat(id, 0)
			}
			s.clock.Advance(time.Duration(rnd.Int64N(int64(second))) - second/4)
		}
		s.Sweep(context.Background())
		requireInOrder(t, log.Bytes())
		require.GreaterOrEqual(t, s.Stats().Latency.Detection.Min, time.Duration(0))
	}
}
