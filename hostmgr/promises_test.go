package hostmgr_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Each promise of the package documentation has a test here that bears its
// number. Others attack them further.

func TestPromise1ABeatProtects(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	for range 100 {
		require.Zero(t, s.after(2*second).Evicted, "at exactly its patience")
		s.beat("a")
	}
	require.Equal(t, 1, s.after(2*second+1).Evicted)
	_, err := s.Heartbeat("a", 0)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
}

// Hosts whose deadline is now are beaten and swept at once, by many goroutines:
// a beat that was answered without error must have saved its host.
func TestPromise1AgainstASweepAtThatMoment(t *testing.T) {
	const hosts, rounds = 64, 50
	s := newScript(t, hostmgr.Config[string]{})
	for round := range rounds {
		for i := range hosts {
			s.join(strconv.Itoa(i))
		}
		s.clock.Advance(2*second + 1)
		var saved [hosts]atomic.Bool
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range hosts {
					i := (i*7 + w*16 + round) % hosts
					if _, err := s.Heartbeat(strconv.Itoa(i), 0); err == nil {
						saved[i].Store(true)
					}
				}
			})
			wg.Go(func() { s.Sweep(context.Background()) })
		}
		wg.Wait()
		s.Sweep(context.Background())
		for i := range hosts {
			_, there := s.Get(strconv.Itoa(i))
			require.Equal(t, saved[i].Load(), there)
		}
	}
	require.Equal(t, s.Stats().Joins, s.Stats().Evicted+uint64(s.Len()))
}

func TestPromise1ADelayedBeatNeverStepsBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(second)
	s.beat("a")
	require.NoError(t, s.Observe("a", 0, 900*time.Millisecond))
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

func TestPromise2OneDeparturePerLife(t *testing.T) {
	var d diary
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	s.join("left")
	s.join("evicted")
	require.NoError(t, s.Leave(context.Background(), "left", 0))
	require.Error(t, s.Leave(context.Background(), "left", 0))
	old := s.join("replaced")
	s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: time.Hour, Incarnation: old.Incarnation + 1})
	for range 3 {
		s.after(3 * second)
	}
	kinds := map[string]hostmgr.Kind{}
	for _, dep := range d.departures {
		kinds[dep.Host.ID] = dep.Kind
	}
	require.Len(t, d.departures, 3)
	require.Equal(t, map[string]hostmgr.Kind{
		"left": hostmgr.Left, "evicted": hostmgr.Evicted, "replaced": hostmgr.Replaced,
	}, kinds)
	st := s.Stats()
	require.Equal(t, [5]uint64{4, 1, 1, 1, 0}, [5]uint64{st.Joins, st.Left, st.Evicted, st.Replaced, st.Forgotten})
	require.Equal(t, 1, st.Hosts)
}

func TestPromise3ThePastCantTouchThePresent(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "old", Interval: second, Incarnation: 5})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "new", Interval: second, Incarnation: 6})
	s.clock.Advance(second)

	ctx := context.Background()
	require.ErrorIs(t, s.Leave(ctx, "a", 5), hostmgr.ErrStale)
	require.ErrorIs(t, s.Forget("a", 5), hostmgr.ErrStale)
	require.ErrorIs(t, s.Observe("a", 5, 0), hostmgr.ErrStale)
	_, err := s.Heartbeat("a", 5)
	require.ErrorIs(t, err, hostmgr.ErrStale)
	_, err = s.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: "late", Interval: 2 * second, Incarnation: 5})
	require.ErrorIs(t, err, hostmgr.ErrStale)

	h := s.get("a")
	require.Equal(t, "new", h.Metadata)
	require.Equal(t, second, h.Interval)
	require.Equal(t, second, s.clock.Now().Sub(h.LastSeen))

	_, err = s.Heartbeat("a", 7)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost, "a future life has yet to announce itself")
	require.ErrorIs(t, s.Leave(ctx, "a", 7), hostmgr.ErrUnknownHost)
	require.NoError(t, s.Leave(ctx, "a", 6))
	require.Equal(t, hostmgr.Lease{Interval: second, Incarnation: 5, Life: 3},
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 5}),
		"nothing is remembered after a departure")
}

func TestPromise3AssignedIncarnationsOnlyGrow(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	last := uint64(s.clock.Now().UnixNano())
	for range 10 {
		lease := s.join("a")
		require.Greater(t, lease.Incarnation, last)
		last = lease.Incarnation
		require.NoError(t, s.Leave(context.Background(), "a", last))
	}
}

// frozen freezes a registry with MaxGap 1 s, driven every half second, for pause.
func frozen(t *testing.T, pause time.Duration) *script {
	s := newScript(t, hostmgr.Config[string]{MaxGap: second})
	s.join("dead")
	s.join("alive")
	require.Zero(t, s.after(500*time.Millisecond).Excused)
	s.beat("alive")
	require.Equal(t, pause, s.after(pause).Excused)
	return s
}

func TestPromise4SilenceCountsOnlyWhileWeListened(t *testing.T) {
	for _, pause := range []time.Duration{1100 * time.Millisecond, 10 * second, 777 * second, time.Hour} {
		s := frozen(t, pause)
		end := s.clock.Now()
		require.Equal(t, []string{"alive", "dead"}, s.ids())
		// Its patience would be over 1.5 s after the stall, but so is the grace of
		// interval + MaxGap at 2 s.
		for s.clock.Now().Sub(end) < 2*second {
			require.Zero(t, s.after(500*time.Millisecond).Evicted)
			s.beat("alive")
		}
		require.Equal(t, 1, s.after(1).Evicted)
		require.True(t, s.gone("dead"))
		for range 10 {
			s.beat("alive")
			require.Zero(t, s.after(500*time.Millisecond).Evicted)
		}
	}
}

func TestPromise4AStallThatNoSweepHasSeenYetIsShownAsOne(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxGap: second})
	s.join("a")
	s.clock.Advance(time.Hour)
	require.Equal(t, hostmgr.Alive, s.get("a").State)
	require.Len(t, s.Sample(1, nil), 1)
}

func TestPromise4ABeatWithinAStallCountsFromItsEnd(t *testing.T) {
	var d diary
	s := newScript(t, hostmgr.Config[string]{MaxGap: second, Cleanup: d.cleanup})
	s.join("a")
	s.clock.Advance(4 * second)
	s.beat("a") // no sweep has noticed the stall yet, and it goes on
	require.Equal(t, 10*second, s.after(6*second).Excused)
	for range 4 {
		require.Zero(t, s.after(500*time.Millisecond).Evicted)
	}
	require.Equal(t, 1, s.after(1).Evicted)
	require.Equal(t, 2*second+1, d.departures[0].Silence)
	require.Equal(t, 6*second, d.departures[0].Excused)
}

func TestPromise4StallingAgainAndAgainStillEvictsTheDead(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxGap: 500 * time.Millisecond})
	s.join("dead")
	s.join("alive")
	rounds := 0
	for ; !s.gone("dead"); rounds++ { // 600 ms of every second are a stall
		s.after(600 * time.Millisecond)
		s.beat("alive")
		s.after(400 * time.Millisecond)
		require.Less(t, rounds, 20)
	}
	require.GreaterOrEqual(t, rounds, 10, "twice the patience of 2 s, at 400 ms a second")
	require.False(t, s.gone("alive"))
	require.Equal(t, uint64(rounds), s.Stats().Stalls)
}

func TestPromise4AClockThatStepsEvictsNobody(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, -365 * 24 * time.Hour, time.Hour, 365 * 24 * time.Hour} {
		s := newScript(t, hostmgr.Config[string]{MaxGap: second})
		s.join("a")
		s.after(500 * time.Millisecond)
		s.clock.Advance(step)
		s.beat("a")
		s.after(500 * time.Millisecond)
		for range 10 {
			s.beat("a")
			require.Zero(t, s.after(500*time.Millisecond).Evicted, step)
		}
		require.InDelta(t, 0.5, s.clock.Now().Sub(s.get("a").LastSeen).Seconds(), 1e-9)
	}
}

// A beat between a step back and the next sweep protects as any other.
func TestPromise4TimeGoesOnAfterAStepBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.after(1900 * time.Millisecond)
	s.clock.Advance(-time.Hour)
	s.beat("a")
	require.Zero(t, s.after(2*second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted)
}

func TestPromise5ASweepDecidesTheClockOnlyShows(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	for _, step := range []struct {
		after time.Duration
		state hostmgr.State
	}{
		{second, hostmgr.Alive},
		{1, hostmgr.Late},
		{second/2 - 1, hostmgr.Late},
		{1, hostmgr.Suspect},
		{second/2 - 1, hostmgr.Suspect},
		{1, hostmgr.Offline},
		{time.Hour, hostmgr.Offline},
	} {
		s.clock.Advance(step.after)
		require.Equal(t, step.state, s.get("a").State)
		for h := range s.All() {
			require.Equal(t, step.state, h.State)
		}
	}
	require.Equal(t, 1, s.Len())
	s.beat("a")
	require.Zero(t, s.after(0).Evicted, "a late beat saves it")
	require.Equal(t, hostmgr.Alive, s.get("a").State)

	s.clock.Advance(time.Hour)
	require.NoError(t, s.Leave(context.Background(), "a", 0))
	require.Equal(t, uint64(1), s.Stats().Left, "a leave is a leave, however late")
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
	before := heap()
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
		Confirm: func(_ context.Context, due []hostmgr.Host[string]) ([]hostmgr.Host[string], error) { return due, nil },
	})
	for range 2 {
		for i := range 10_000 {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second, Zone: strconv.Itoa(i % 100)})
		}
		full := heap() - before
		require.Equal(t, 10_000, s.after(time.Hour).Evicted)
		require.Less(t, heap()-before, full/50, "of %d bytes", full)
	}
	runtime.KeepAlive(s)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
		require.Equal(t, uint64(5), st.Evicted, "sweeps go on")
		require.Equal(t, 1, st.CleanupPending, "only the one that hangs")
		require.Equal(t, uint64(6), st.CleanupFailures)
		_, err = r.Heartbeat("by cleanup", 0)
		require.NoError(t, err, "beats go on")
		close(hang)
		time.Sleep(second)
		require.Zero(t, r.Stats().CleanupPending)
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
				order = append(order, d.Host.Life)
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 10 {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: uint64(i + 1)})
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, order)
	})
}

func TestPromise9NoGoroutineIsYoursToFind(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errors.New("fails") },
		Confirm: func(_ context.Context, h []hostmgr.Host[string]) ([]hostmgr.Host[string], error) { return h, nil },
	})
	s.join("a")
	s.join("b")
	require.Error(t, s.Leave(context.Background(), "a", 0))
	s.after(time.Hour)
	require.LessOrEqual(t, runtime.NumGoroutine(), before)

	synctest.Test(t, func(t *testing.T) { // which fails if one is left
		cleaning := false
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(ctx context.Context, _ hostmgr.Departure[string]) error {
				cleaning = true
				<-ctx.Done()
				time.Sleep(time.Minute) // it takes its time to stop
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
				case e.Kind == hostmgr.Missed:
					got = append(got, strconv.FormatUint(e.Missed, 10))
				case e.Kind == hostmgr.Synced, e.Host.ID == "slow":
					<-proceed
				}
			}
		}()
		synctest.Wait()
		announce("b")
		require.NoError(t, r.Leave(ctx, "b", 0))
		proceed <- struct{}{}
		synctest.Wait()
		require.Equal(t, []string{"joined a", "synced", "joined b", "left b"}, got)

		got = nil
		announce("slow")
		synctest.Wait() // the watcher has it, and blocks
		require.NoError(t, r.Leave(ctx, "slow", 0))
		for range 5_000 {
			announce("c")
			require.NoError(t, r.Leave(ctx, "c", 0))
		}
		announce("c")
		proceed <- struct{}{}
		synctest.Wait()
		require.Equal(t, []string{"joined slow", "missed", "10002", "joined a", "joined c", "synced"}, got)
		proceed <- struct{}{}
		cancel()
	})
}

func TestPromise11EveryEvictionCanBeExplained(t *testing.T) {
	var d diary
	refuse := true
	s := newScript(t, hostmgr.Config[string]{
		MaxGap: second, Cleanup: d.cleanup,
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
	require.Equal(t, "refused by Confirm", s.get("a").Held)
	require.Equal(t, 1, s.Stats().Held)
	refuse = false
	require.Equal(t, 1, s.after(second).Evicted)
	require.Zero(t, s.Stats().Held)

	dep := d.departures[0]
	require.Equal(t, hostmgr.Evicted, dep.Kind)
	require.Equal(t, s.clock.Now(), dep.At)
	require.Equal(t, seen, dep.Host.LastSeen)
	require.Equal(t, 15*second, dep.At.Sub(dep.Host.LastSeen))
	require.Equal(t, 5*second, dep.Silence)
	require.Equal(t, 10*second, dep.Excused)
	require.Equal(t, second, dep.Interval)
	require.Equal(t, 2*second, dep.Patience)
	require.Equal(t, "refused by Confirm", dep.HeldBy)
	require.Equal(t, second, dep.HeldFor, "since it was held first")
	require.Equal(t, "m", dep.Host.Metadata)
	require.Equal(t, "z", dep.Host.Zone)
	require.Equal(t, hostmgr.Offline, dep.Host.State)
	require.Equal(t, 1, dep.Attempt)
}

// run starts Run, in a bubble, and returns what stops it and waits for it.
func run[M any](t *testing.T, r *hostmgr.Registry[M]) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, <-done)
	}
}
