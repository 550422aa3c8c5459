package hostmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A mirror is what a watcher can know of the registry.
type mirror struct {
	hosts  map[string]hostmgr.Host[int]
	synced bool
	missed uint64
	seq    uint64
}

func (m *mirror) apply(t testing.TB, e hostmgr.Event[int]) {
	if m.synced && e.Kind != hostmgr.Missed {
		if e.Seq != m.seq+1 {
			require.Equal(t, m.seq+1, e.Seq, "no silent gap")
		}
	}
	m.seq = e.Seq
	switch e.Kind {
	case hostmgr.Missed:
		require.Positive(t, e.Missed)
		*m = mirror{missed: m.missed + e.Missed}
	case hostmgr.Synced:
		m.synced = true
	case hostmgr.Joined:
		if m.hosts == nil {
			m.hosts = map[string]hostmgr.Host[int]{}
		}
		if _, there := m.hosts[e.Host.ID]; there {
			require.Fail(t, "a life begins where one is")
		}
		m.hosts[e.Host.ID] = e.Host
	default:
		if m.hosts[e.Host.ID].Life != e.Host.Life {
			require.Fail(t, "an event of a life that is not there")
		}
		m.hosts[e.Host.ID] = e.Host
		if e.Kind >= hostmgr.Left && e.Kind <= hostmgr.Forgotten {
			delete(m.hosts, e.Host.ID)
		}
	}
}

// 64 writers do everything that can be done while watchers follow, dawdle, block, call
// back, and quit; at a quiet moment every mirror equals the registry.
func TestAMirrorBuiltFromWatchEqualsTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{})
		require.NoError(t, err)
		stop := run(t, r)
		ctx, cancel := context.WithCancel(t.Context())
		mirrors := make([]mirror, 6)
		var watchers sync.WaitGroup
		var writing atomic.Bool
		for i := range mirrors {
			watchers.Go(func() {
				events := 0
				for e := range r.Watch(ctx) {
					events++
					mirrors[i].apply(t, e)
					r.Get(e.Host.ID)
					switch {
					case i == 0 && events%300 == 0:
						time.Sleep(5 * second) // falls behind
					case i == 1:
						answer(t, r, e)
					}
				}
			})
		}
		watchers.Go(func() {
			for range r.Watch(ctx) {
				<-ctx.Done() // blocks until the end
			}
		})
		watchers.Go(func() {
			for range r.Watch(ctx) {
				break // quits at once
			}
		})
		watchers.Go(func() {
			for ctx.Err() == nil { // quits again and again, on the way
				m, left := mirror{}, 100+rand.IntN(5000)
				for e := range r.Watch(ctx) {
					m.apply(t, e)
					if left--; left == 0 {
						break
					}
				}
				time.Sleep(time.Millisecond)
				if !writing.Load() {
					time.Sleep(second) // a bubble's time stands still while anybody is busy
				}
			}
		})
		for round := range times(2, 5) {
			writing.Store(true)
			write(t, r, round)
			writing.Store(false)
			time.Sleep(20 * time.Minute) // the silent are evicted, the slow catch up
			synctest.Wait()
			for _, m := range mirrors {
				require.True(t, m.synced)
				require.Len(t, m.hosts, r.Len())
				for h := range r.All() {
					if got := m.hosts[h.ID]; got.Metadata != h.Metadata || got.Life != h.Life || got.Interval != h.Interval {
						require.Equal(t, h, got)
					}
				}
			}
		}
		require.Positive(t, mirrors[0].missed, "the one that dawdles fell behind")
		cancel()
		watchers.Wait()
		stop()
	})
}

// answer calls back from within the loop: for each host that left another one joins,
// which is sent away when it is seen.
func answer(t *testing.T, r *hostmgr.Registry[int], e hostmgr.Event[int]) {
	const mark = "instead of "
	switch theirs := strings.HasPrefix(e.Host.ID, mark); {
	case e.Kind == hostmgr.Left && !theirs:
		_, err := r.Announce(hostmgr.Announcement[int]{ID: mark + e.Host.ID, Interval: time.Hour})
		require.NoError(t, err)
	case e.Kind == hostmgr.Joined && theirs:
		_ = r.Leave(t.Context(), e.Host.ID, e.Host.Incarnation)
	}
}

func write(t *testing.T, r *hostmgr.Registry[int], round int) {
	var writers sync.WaitGroup
	for w := range 64 {
		writers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), uint64(round)))
			for i := range times(200, 2000) {
				id := strconv.Itoa(rnd.IntN(200))
				if w%2 == 0 { // others are many, so that a snapshot takes several pages
					id = strconv.Itoa(rnd.IntN(5000))
				}
				interval := second
				if rnd.IntN(2) == 0 {
					interval = time.Hour
				}
				switch rnd.IntN(8) {
				case 0, 1, 2:
					_, err := r.Announce(hostmgr.Announcement[int]{ID: id, Metadata: i, Interval: interval})
					require.NoError(t, err)
				case 3:
					if h, ok := r.Get(id); ok {
						_, _ = r.Announce(hostmgr.Announcement[int]{ID: id, Metadata: i, Interval: interval, Incarnation: h.Incarnation + 1})
					}
				case 4:
					_ = r.Leave(t.Context(), id, 0)
				case 5:
					_ = r.Forget(id, 0)
				case 6:
					time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
				default:
					_, _ = r.Heartbeat(id, 0)
				}
			}
		})
	}
	writers.Wait()
}

// A watcher that blocks costs no more than the events that it may be behind, however many
// pass, and however much hosts have to say.
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
			if e.Kind == hostmgr.Synced {
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

func TestWatchTellsOfSuspicionAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{Policy: hostmgr.Tiered{Jitter: second, Offline: time.Hour}})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[int]{ID: "a", Interval: second})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		at := map[hostmgr.Kind]time.Duration{}
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
		require.Equal(t, 2*second+1, at[hostmgr.Suspected])
		require.Equal(t, 5*second, at[hostmgr.Recovered], "at the beat, not at the next sweep")
		stop()
	})
}

// A watcher that has been told of hosts that are gone keeps nothing of theirs, though it
// goes on watching.
func TestWatchKeepsNothingOfTheGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		left := 0
		watch := func() {
			for e := range r.Watch(ctx) {
				if e.Kind == hostmgr.Left {
					left++
				}
			}
		}
		var remains []weak.Pointer[[1 << 10]byte]
		for i := range 500 {
			if i == 250 { // it is shown these as a snapshot, those as they come
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

// While the snapshot goes on, hosts that it has shown, and hosts that it has not, come, change
// and go: at Synced the mirror is the registry.
func TestAMirrorIsWholeAtSyncedWhateverChangedMeanwhile(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(5, 6))
	announce := func(i, metadata int, incarnation uint64) {
		_, err := r.Announce(hostmgr.Announcement[int]{ID: strconv.Itoa(i), Metadata: metadata, Incarnation: incarnation})
		require.NoError(t, err)
	}
	for i := range 6000 { // some pages
		announce(i, 0, 1)
	}
	var m mirror
	for e := range r.Watch(t.Context()) {
		m.apply(t, e)
		if m.synced {
			break
		}
		switch i := rnd.IntN(9000); rnd.IntN(4) {
		case 0:
			_ = r.Leave(t.Context(), strconv.Itoa(i), 0)
		case 1:
			announce(i, i, 0)
		case 2:
			announce(i, i, 1<<62) // replaces the host that is there, if there is one
		}
	}
	require.Len(t, m.hosts, r.Len())
	for h := range r.All() {
		if got := m.hosts[h.ID]; got.Metadata != h.Metadata || got.Life != h.Life {
			require.Equal(t, h, got)
		}
	}
}

// A loop that was left is told of nothing any more, and nothing is kept for it.
func TestALoopThatWasLeftKeepsNothing(t *testing.T) {
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

// A watcher that a sweep was too much for gets its fresh snapshot when that is over, though
// nothing happens any more.
func TestWhoFellBehindInASweepIsToldAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{MaxGap: -1})
		require.NoError(t, err)
		for i := range 10_000 {
			_, err := r.Announce(hostmgr.Announcement[int]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		proceed := make(chan struct{})
		var kinds []hostmgr.Kind
		go func() {
			for e := range r.Watch(ctx) {
				if e.Kind == hostmgr.Synced || e.Kind == hostmgr.Missed {
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
		require.Equal(t, []hostmgr.Kind{hostmgr.Synced, hostmgr.Missed, hostmgr.Synced}, kinds)
		cancel()
		synctest.Wait()
	})
}
