package hostmgr_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A dial is a clock that is read without a lock, so that those who read it do not queue.
type dial struct{ atomic.Int64 }

func (d *dial) Now() time.Time                       { return time.Unix(0, d.Load()) }
func (d *dial) After(time.Duration) <-chan time.Time { return nil }

const (
	edgeHosts    = 1000
	edgePatience = int64(2 * second)
)

// An edge is a registry all of whose hosts are due now, and what is known of their lives.
type edge struct {
	*hostmgr.Registry[int]
	dial
	first uint64 // the number of the first life
	ids   [edgeHosts]string
	known [edgeHosts]atomic.Uint64 // the life that a host last had
	lives [8 * edgeHosts]edgeLife  // by number, from the first on
}

type edgeLife struct {
	heard   atomic.Int64 // the clock before the latest beat that was answered without error
	evicted atomic.Int64 // when, as the departure says
	ended   atomic.Int32
}

func newEdge(t *testing.T, cfg hostmgr.Config[int]) *edge {
	e := &edge{}
	e.Store(1e18)
	var err error
	cfg.Clock, cfg.Cleanup = &e.dial, e.cleanup
	e.Registry, err = hostmgr.New(cfg)
	require.NoError(t, err)
	e.first = firstLife(t, e.Registry)
	for i := range e.ids {
		e.ids[i] = strconv.Itoa(i)
		e.join(i)
	}
	e.Add(edgePatience - 3)
	return e
}

func (e *edge) join(i int) {
	lo := e.Load()
	lease, err := e.Announce(hostmgr.Announcement[int]{ID: e.ids[i], Interval: second})
	if err == nil {
		e.heard(i, lease, lo)
	}
}

func (e *edge) heard(i int, lease hostmgr.Lease, at int64) {
	e.known[i].Store(lease.Life)
	raise(&e.life(lease.Life).heard, at)
}

func (e *edge) life(number uint64) *edgeLife { return &e.lives[number-e.first] }

func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); to > old && !v.CompareAndSwap(old, to); {
		old = v.Load()
	}
}

func (e *edge) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	l := e.life(d.Host.Life)
	l.evicted.Store(d.At.UnixNano())
	l.ended.Add(1)
	return nil
}

// beat beats a host. Of one whose departure was seen before, that must not succeed.
func (e *edge) beat(i int) (breach bool) {
	lo, life := e.Load(), e.known[i].Load()
	over := e.life(life).ended.Load() > 0
	lease, err := e.Heartbeat(e.ids[i], 0)
	switch {
	case err == nil:
		e.heard(i, lease, lo)
		return over && lease.Life == life
	case rand.IntN(4) == 0:
		e.join(i)
	}
	return err != nil && !errors.Is(err, hostmgr.ErrUnknownHost)
}

// rush has 64 goroutines beat the hosts, while others sweep and the clock moves across the
// deadline, a nanosecond at a time.
func (e *edge) rush() (breaches int64) {
	var wg sync.WaitGroup
	var found atomic.Int64
	var ready atomic.Int32
	for g := range 64 {
		wg.Go(func() {
			ready.Add(1)
			for n := range 20 {
				if e.beat(rand.IntN(edgeHosts)) {
					found.Add(1)
				}
				switch {
				case g < 4 && n%4 == 0:
					e.Sweep(context.Background())
				case g >= 60:
					e.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return found.Load()
}

// judge returns how many lives were evicted within their patience, or departed other than
// once; and how many were evicted, and saved, all in all.
func (e *edge) judge() (breaches, evicted, saved int) {
	there := map[uint64]bool{}
	for h := range e.All() {
		there[h.Life] = true
	}
	for n := range e.lives {
		l := &e.lives[n]
		heard, ended := l.heard.Load(), int(l.ended.Load())
		switch {
		case heard == 0:
		case ended > 1, there[e.first+uint64(n)] == (ended == 1):
			breaches++
		case ended == 0:
			saved++
		default:
			evicted++
			if l.evicted.Load()-heard <= edgePatience {
				breaches++
			}
		}
	}
	return breaches, evicted, saved
}

// edgeConfigs judge alike. In the second one nearly every heartbeat has something to do besides.
var edgeConfigs = []hostmgr.Config[int]{{}, {
	Policy: steady{hostmgr.Multiple(2)}, Shadow: hostmgr.Multiple(1), Recorder: io.Discard,
	Cadence: hostmgr.Cadence{Min: second, Max: second, PerSecond: 1},
}}

// TestEdge: a thousand hosts whose deadlines are all now, while 64 goroutines beat them
// and sweeps run: whoever was answered without error stays for its patience, whoever was
// evicted is told so, and each life departs once.
func TestEdge(t *testing.T) {
	evicted, saved := 0, 0
	for i := range times(80, 100_000) {
		e := newEdge(t, edgeConfigs[i%len(edgeConfigs)])
		require.Zero(t, e.rush(), "beats of the departed that succeeded")
		e.Sweep(context.Background())
		breaches, gone, there := e.judge()
		require.Zero(t, breaches)
		evicted += gone
		saved += there
	}
	t.Log(evicted, "evicted,", saved, "saved, 0 breaches")
	require.NotZero(t, evicted)
	require.NotZero(t, saved)
}

// The same under Run, on the system's clock, with and without lending beats the time:
// hosts are silent for about their patience, again and again, and a cleanup must not come
// within the patience of a beat. Time is real here, but nobody sleeps: hosts are beaten for
// as long as it says, and then until the last is gone.
func TestEdgeUnderRun(t *testing.T) {
	type own struct{ clock.Clock }
	for _, c := range []clock.Clock{clock.System(), own{clock.System()}} {
		u := &underRun{start: time.Now(), lives: make([]edgeLife, 1<<20)}
		var err error
		u.Registry, err = hostmgr.New(hostmgr.Config[int]{Clock: c, Cleanup: u.cleanup})
		require.NoError(t, err)
		u.first = firstLife(t, u.Registry)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- u.Run(ctx) }()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { u.beat(time.Duration(times(250, 60_000)) * time.Millisecond) })
		}
		wg.Wait()
		deadline := time.Now().Add(time.Minute)
		for u.Len() > 0 || u.Stats().CleanupPending > 0 { // all are silent
			require.True(t, time.Now().Before(deadline), "the dead are found, and cleaned up after")
			runtime.Gosched()
		}
		cancel()
		require.NoError(t, <-done)
		t.Log(u.evicted.Load(), "evicted,", u.breaches.Load(), "breaches")
		require.NotZero(t, u.evicted.Load())
		require.EqualValues(t, u.Stats().Evicted, u.evicted.Load(), "cleaned up after, of the evicted")
		require.Zero(t, u.breaches.Load())
	}
}

const shortest = 10 * time.Millisecond

type underRun struct {
	*hostmgr.Registry[int]
	start             time.Time
	first             uint64
	lives             []edgeLife
	evicted, breaches atomic.Int64
}

func (u *underRun) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	l := &u.lives[d.Host.Life-u.first]
	u.evicted.Add(1)
	if l.ended.Add(1) > 1 || int64(time.Since(u.start))-l.heard.Load() <= int64(2*shortest) {
		u.breaches.Add(1)
	}
	return nil
}

// beat beats hosts for so long (and until one has joined), but half of them at a time.
func (u *underRun) beat(most time.Duration) {
	for time.Since(u.start) < most || u.Stats().Joins == 1 {
		n, lo := rand.IntN(200), int64(time.Since(u.start))
		if (lo/int64(19*time.Millisecond)+int64(n))%2 == 0 {
			continue
		}
		id := strconv.Itoa(n)
		lease, err := u.Heartbeat(id, 0)
		if err != nil {
			lease, err = u.Announce(hostmgr.Announcement[int]{ID: id, Interval: shortest})
		}
		if err != nil || lease.Life-u.first >= uint64(len(u.lives)-8) {
			u.breaches.Add(1) // neither comes
			return
		}
		raise(&u.lives[lease.Life-u.first].heard, lo)
	}
}
