package hostmgr_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestPromise5ASweepDecidesTheClockOnlyShows(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	for _, step := range []struct {
		after time.Duration
		state hostmgr.State
	}{
		{second, hostmgr.StateAlive},
		{1, hostmgr.StateLate},
		{second/2 - 1, hostmgr.StateLate},
		{1, hostmgr.StateSuspect},
		{second/2 - 1, hostmgr.StateSuspect},
		{1, hostmgr.StateOffline},
		{time.Hour, hostmgr.StateOffline},
	} {
		s.clock.Advance(step.after)
		require.Equal(t, step.state, s.get("a").State)
		for h := range s.All() {
			require.Equal(t, step.state, h.State)
		}
	}
	require.Equal(t, 1, s.Len())
	s.heartbeat("a")
	require.Zero(t, s.after(0).Evicted, "a late heartbeat saves it")
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)

	s.clock.Advance(time.Hour)
	require.NoError(t, s.Leave(context.Background(), "a", 0))
	require.Equal(t, uint64(1), s.Stats().Departures.Left, "a leave is a leave, however late")
}

func TestPromise6DetectionIsBoundedUnderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var lag time.Duration
		var found int
		r, err := hostmgr.New(hostmgr.Config[int]{
			CleanupWorkers: 1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[int]) error {
				found++
				lag = max(lag, time.Since(d.Host.EvictAt))
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 300 { // intervals from 10 ms to minutes, announced at odd times
			time.Sleep(time.Duration(i*i) * 7 * time.Microsecond)
			_, err := r.Announce(hostmgr.Announcement[int]{
				ID: strconv.Itoa(i), Interval: 10*time.Millisecond + time.Duration(i*i*i)*time.Microsecond,
			})
			require.NoError(t, err)
		}
		time.Sleep(2 * time.Minute)
		stop()
		require.Equal(t, 300, found)
		require.Equal(t, time.Duration(1), lag, "swept at the very nanosecond, in a bubble where work takes no time")
		require.Less(t, time.Since(start), time.Hour)
	})
}

func TestPromise7NothingLingers(t *testing.T) {
	confirm := func(_ context.Context, due []hostmgr.Host[string]) ([]hostmgr.Host[string], error) { return due, nil }
	for _, cfg := range []hostmgr.Config[string]{{}, {Confirm: confirm}, {EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 1}}} {
		cfg.Cleanup = func(context.Context, hostmgr.Departure[string]) error { return nil }
		nothingLingers(t, cfg)
	}
}

func nothingLingers(t *testing.T, cfg hostmgr.Config[string]) {
	s := newScript(t, cfg)
	empty := heap()
	for i := range 1000 { // for which distributions and what is remembered are allocated
		s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second, Zone: strconv.Itoa(i % 100)})
	}
	s.after(time.Hour)
	s.after(time.Hour)
	before := heap()
	require.Less(t, before-empty, int64(450<<10), "most for the latest departures and for distributions")
	for range 2 {
		for i := range 10_000 {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second, Zone: strconv.Itoa(i % 100)})
		}
		full := heap() - before
		require.Equal(t, 10_000, s.after(time.Hour).Evicted)
		s.after(6 * time.Minute) // more than the 5 minutes for which an eviction is remembered
		require.Less(t, heap()-before, full/50, "of %d bytes", full)
	}
	runtime.KeepAlive(s)
}

func TestPromise8CallbacksAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var r *hostmgr.Registry[string]
		r, err := hostmgr.New(hostmgr.Config[string]{
			CleanupWorkers: 3,
			Cleanup: func(ctx context.Context, d hostmgr.Departure[string]) error {
				_, _ = r.Get(d.Host.ID) // no lock is held
				_, _ = r.Announce(hostmgr.Announcement[string]{ID: "by cleanup", Interval: time.Hour})
				switch {
				case d.Host.ID == "hangs":
					<-hang
				case d.Host.ID == "fails" && d.Attempt < 3:
					return errors.New("not now")
				case d.Host.ID == "panics" && d.Attempt < 3:
					panic("oops")
				case d.Host.ID == "exits" && d.Attempt < 3:
					runtime.Goexit()
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for _, id := range []string{"hangs", "fails", "panics", "exits", "plain"} {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			require.NoError(t, err)
		}
		time.Sleep(10 * second)
		st := r.Stats()
		require.Equal(t, uint64(5), st.Departures.Evicted, "sweeps go on")
		require.Equal(t, 1, st.Cleanup.Pending, "only the one that hangs")
		require.Equal(t, uint64(6), st.Cleanup.Failures)
		_, err = r.Heartbeat("by cleanup", 0)
		require.NoError(t, err, "heartbeats go on")
		close(hang)
		time.Sleep(second)
		require.Zero(t, r.Stats().Cleanup.Pending)
		stop()
	})
}

func TestPromise8CleanupsOfOneIDRunOneAtATimeAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Int32
		var order []uint64
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				require.Equal(t, int32(1), busy.Add(1))
				defer busy.Add(-1)
				time.Sleep(50 * time.Millisecond)
				if d.Attempt == 1 {
					return errors.New("not at once")
				}
				order = append(order, d.Host.Registration)
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		var registrations []uint64
		for i := range 10 {
			ack, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: uint64(i + 1)})
			require.NoError(t, err)
			registrations = append(registrations, ack.Registration)
		}
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, registrations, order)
		require.IsIncreasing(t, order)
	})
}

func TestPromise9NoHiddenGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errors.New("fails") },
		Confirm: func(_ context.Context, h []hostmgr.Host[string]) ([]hostmgr.Host[string], error) { return h, nil },
	})
	s.join("a")
	s.join("b")
	require.Error(t, s.Leave(context.Background(), "a", 0))
	s.after(time.Hour)
	for runtime.NumGoroutine() > before { // those that they waited for are about to end
		runtime.Gosched()
	}

	synctest.Test(t, func(t *testing.T) { // which fails if one is left
		cleaning := false
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(ctx context.Context, _ hostmgr.Departure[string]) error {
				cleaning = true
				<-ctx.Done()
				time.Sleep(9 * second) // it stops slowly
				cleaning = false
				return ctx.Err()
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(3 * second)
		synctest.Wait()
		require.True(t, cleaning)
		stop()
		require.False(t, cleaning, "Run returns when all have ended, not before")
	})
}

func TestPromise10OrderAndNoSilentGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{})
		require.NoError(t, err)
		announce := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Hour})
			require.NoError(t, err)
		}
		announce("a")
		ctx, cancel := context.WithCancel(t.Context())
		proceed := make(chan struct{})
		var got []string
		go func() {
			for e := range r.Watch(ctx) {
				got = append(got, strings.TrimSpace(e.Kind.String()+" "+e.Host.ID))
				switch {
				case e.Kind == hostmgr.EventMissed:
					got = append(got, strconv.FormatUint(e.Missed, 10))
				case e.Kind == hostmgr.EventSynced, e.Host.ID == "slow":
					<-proceed
				}
			}
		}()
		synctest.Wait()
		announce("b")
		require.NoError(t, r.Leave(ctx, "b", 0))
		proceed <- struct{}{}
		synctest.Wait()
		require.Equal(t, []string{"joined a", "synced", "joined b", "departed b"}, got)

		got = nil
		announce("slow")
		synctest.Wait() // the watcher has the event, and blocks
		require.NoError(t, r.Leave(ctx, "slow", 0))
		for range 5_000 {
			announce("c")
			require.NoError(t, r.Leave(ctx, "c", 0))
		}
		announce("c")
		proceed <- struct{}{}
		synctest.Wait()
		slices.Sort(got[3:5]) // a snapshot is in no particular order
		require.Equal(t, []string{"joined slow", "missed", "10002", "joined a", "joined c", "synced"}, got)
		proceed <- struct{}{}
		cancel()
	})
}

func TestPromise11EveryEvictionCanBeExplained(t *testing.T) {
	var d cleanupLog
	refuse := true
	s := newScript(t, hostmgr.Config[string]{
		StallThreshold: second, Cleanup: d.cleanup,
		Confirm: func(_ context.Context, h []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
			if refuse {
				return nil, nil
			}
			return h, nil
		},
	})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "m", Interval: second, Zone: "z"})
	seen := s.clock.Now()
	s.after(second)
	s.after(10 * second) // a stall
	s.after(second)
	s.after(second) // due after this
	require.Zero(t, s.after(second).Evicted)
	require.Equal(t, "refused by Confirm", s.get("a").Hold.String())
	require.Equal(t, 1, s.Stats().Held)
	refuse = false
	require.Equal(t, 1, s.after(second).Evicted)
	require.Zero(t, s.Stats().Held)

	dep := d.departures[0]
	require.Equal(t, hostmgr.DepartureEvicted, dep.Kind)
	require.Equal(t, s.clock.Now(), dep.At)
	require.Equal(t, seen, dep.Host.LastContact)
	require.Equal(t, 15*second, dep.At.Sub(dep.Host.LastContact))
	require.Equal(t, 5*second, dep.Silence)
	require.Equal(t, 10*second, dep.StallTime)
	require.Equal(t, second, dep.Interval)
	require.Equal(t, 2*second, dep.Timeout)
	require.Equal(t, "refused by Confirm", dep.Hold.String())
	require.Equal(t, second, dep.HeldFor, "since it was held first")
	require.Equal(t, "m", dep.Host.Metadata)
	require.Equal(t, "z", dep.Host.Zone)
	require.Equal(t, hostmgr.StateOffline, dep.Host.State)
	require.Equal(t, 1, dep.Attempt)
}
