package hostmgr_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A watcher that blocks costs at most the memory of its event buffer, however many events pass, and
// however large the metadata is.
func TestABlockedWatcherCostsLittle(t *testing.T) {
	type kilo = *[1 << 10]byte
	r, err := hostmgr.New(hostmgr.Config[kilo]{})
	require.NoError(t, err)
	announce := func(i int) {
		if _, err := r.Announce(hostmgr.Announcement[kilo]{ID: strconv.Itoa(i % 100), Metadata: new([1 << 10]byte)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		announce(i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	blocked := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for e := range r.Watch(ctx) {
			if e.Kind == hostmgr.EventSynced {
				close(blocked)
				<-ctx.Done()
			}
		}
	})
	<-blocked
	before := heap()
	const atMost = 4096 * (1<<10 + 512)
	events := times(100_000, 1_000_000)
	for i := range events {
		announce(i)
		if i%(events/10) == 3000 || i%(events/10) == 30_000 {
			require.Less(t, heap()-before, int64(atMost))
		}
	}
	require.Less(t, heap()-before, int64(atMost/10), "what it can't have is not kept")
	cancel()
	watcher.Wait()
	runtime.KeepAlive(r)
}

func TestWatchReportsSuspicionAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{Policy: hostmgr.Tiered{Jitter: second, Offline: time.Hour}})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[int]{ID: "a", Interval: second})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		at := map[hostmgr.EventKind]time.Duration{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e := range r.Watch(ctx) {
				at[e.Kind] = e.At.Sub(start)
			}
		}()
		time.Sleep(5 * second)
		require.Equal(t, 1, r.Stats().Suspects)
		_, err = r.Heartbeat("a", 0)
		require.NoError(t, err)
		require.Zero(t, r.Stats().Suspects)
		synctest.Wait()
		cancel()
		<-done
		require.Equal(t, 2*second+1, at[hostmgr.EventSuspected])
		require.Equal(t, 5*second, at[hostmgr.EventRecovered], "at the heartbeat, not at the next sweep")
		stop()
	})
}

// A watcher got events of hosts that are gone. Their metadata is released, although the watcher
// goes on.
func TestWatchReleasesDepartedHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		left := 0
		watch := func() {
			for e := range r.Watch(ctx) {
				if e.Kind == hostmgr.EventDeparted && e.Departure.Kind == hostmgr.DepartureLeft {
					left++
				}
			}
		}
		var remains []weak.Pointer[[1 << 10]byte]
		for i := range 500 {
			if i == 250 { // the first hosts come in a snapshot, the rest as events
				go watch()
				synctest.Wait()
			}
			data := new([1 << 10]byte)
			remains = append(remains, weak.Make(data))
			_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{ID: fmt.Sprint(i), Metadata: data})
			require.NoError(t, err)
		}
		for i := range 500 {
			require.NoError(t, r.Leave(ctx, fmt.Sprint(i), 0))
		}
		synctest.Wait()
		require.Equal(t, 500, left)
		runtime.GC()
		for _, p := range remains {
			require.True(t, p.Value() == nil)
		}
		cancel()
		synctest.Wait()
	})
}

// A loop that has ended gets no events, and nothing is kept for it.
func TestALoopThatEndedKeepsNothing(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{})
	require.NoError(t, err)
	for range r.Watch(t.Context()) {
		break
	}
	data := new([1 << 10]byte)
	remains := weak.Make(data)
	_, err = r.Announce(hostmgr.Announcement[*[1 << 10]byte]{ID: "a", Metadata: data})
	require.NoError(t, err)
	require.NoError(t, r.Leave(t.Context(), "a", 0))
	runtime.GC()
	require.True(t, remains.Value() == nil)
	runtime.KeepAlive(r)
}

// A sweep makes too many events for a watcher. The watcher gets its fresh snapshot after the sweep,
// although no other event follows.
func TestAWatcherThatFellBehindInASweepGetsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{StallThreshold: -1})
		require.NoError(t, err)
		for i := range 10_000 {
			_, err := r.Announce(hostmgr.Announcement[int]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		proceed := make(chan struct{})
		var kinds []hostmgr.EventKind
		go func() {
			for e := range r.Watch(ctx) {
				if e.Kind == hostmgr.EventSynced || e.Kind == hostmgr.EventMissed {
					kinds = append(kinds, e.Kind)
					<-proceed
				}
			}
		}()
		synctest.Wait()
		time.Sleep(3 * second)
		require.Equal(t, 10_000, r.Sweep(ctx).Evicted)
		for range 3 {
			proceed <- struct{}{}
			synctest.Wait()
		}
		require.Equal(t, []hostmgr.EventKind{hostmgr.EventSynced, hostmgr.EventMissed, hostmgr.EventSynced}, kinds)
		cancel()
		synctest.Wait()
	})
}
