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

// A dial is a clock without a lock, so readers do not wait for each other.
type dial struct{ atomic.Int64 }

func (d *dial) Now() time.Time                       { return time.Unix(0, d.Load()) }
func (d *dial) After(time.Duration) <-chan time.Time { return nil }

const (
	edgeHosts   = 1000
	edgeTimeout = int64(2 * second)
)

// An edge is a registry whose hosts are all due now, and what the test knows of their
// registrations.
type edge struct {
	*hostmgr.Registry[int]
	dial
	first         uint64 // the number of the first registration
	ids           [edgeHosts]string
	known         [edgeHosts]atomic.Uint64        // the latest registration of a host
	registrations [8 * edgeHosts]edgeRegistration // by number, from first on
}

type edgeRegistration struct {
	heard   atomic.Int64 // the clock before the latest heartbeat that returned without error
	evicted atomic.Int64 // the time of the departure
	ended   atomic.Int32
}

func newEdge(t *testing.T, cfg hostmgr.Config[int]) *edge {
	e := &edge{}
	e.Store(1e18)
	var err error
	cfg.Clock, cfg.Cleanup = &e.dial, e.cleanup
	e.Registry, err = hostmgr.New(cfg)
	require.NoError(t, err)
	e.first = firstRegistration(t, e.Registry)
	for i := range e.ids {
		e.ids[i] = strconv.Itoa(i)
		e.join(i)
	}
	e.Add(edgeTimeout - 3)
	return e
}

func (e *edge) join(i int) {
	lo := e.Load()
	ack, err := e.Announce(hostmgr.Announcement[int]{ID: e.ids[i], Interval: second})
	if err == nil {
		e.heard(i, ack, lo)
	}
}

func (e *edge) heard(i int, ack hostmgr.Ack, at int64) {
	e.known[i].Store(ack.Registration)
	raise(&e.registration(ack.Registration).heard, at)
}

func (e *edge) registration(number uint64) *edgeRegistration { return &e.registrations[number-e.first] }

func raise(v *atomic.Int64, to int64) {
	for old := v.Load(); to > old && !v.CompareAndSwap(old, to); {
		old = v.Load()
	}
}

func (e *edge) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	l := e.registration(d.Host.Registration)
	l.evicted.Store(d.At.UnixNano())
	l.ended.Add(1)
	return nil
}

// heartbeat sends a heartbeat of a host. It must fail if the departure of that registration was
// seen before.
func (e *edge) heartbeat(i int) (breach bool) {
	lo, registration := e.Load(), e.known[i].Load()
	over := e.registration(registration).ended.Load() > 0
	ack, err := e.Heartbeat(e.ids[i], 0)
	switch {
	case err == nil:
		e.heard(i, ack, lo)
		return over && ack.Registration == registration
	case rand.IntN(4) == 0:
		e.join(i)
	}
	return err != nil && !errors.Is(err, hostmgr.ErrUnknownHost)
}

// rush sends heartbeats of the hosts on 64 goroutines, while others sweep and the clock moves
// across the deadline, a nanosecond at a time.
func (e *edge) rush() (breaches int64) {
	var wg sync.WaitGroup
	var found atomic.Int64
	var ready atomic.Int32
	for g := range 64 {
		wg.Go(func() {
			ready.Add(1)
			for n := range 20 {
				if e.heartbeat(rand.IntN(edgeHosts)) {
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

// outcome returns the number of breaches: registrations that were evicted within their timeout, or
// did not depart exactly once. It also returns how many were evicted, and saved, in total.
func (e *edge) outcome() (breaches, evicted, saved int) {
	there := map[uint64]bool{}
	for h := range e.All() {
		there[h.Registration] = true
	}
	for n := range e.registrations {
		l := &e.registrations[n]
		heard, ended := l.heard.Load(), int(l.ended.Load())
		switch {
		case heard == 0:
		case ended > 1, there[e.first+uint64(n)] == (ended == 1):
			breaches++
		case ended == 0:
			saved++
		default:
			evicted++
			if l.evicted.Load()-heard <= edgeTimeout {
				breaches++
			}
		}
	}
	return breaches, evicted, saved
}

// edgeConfigs have the same timeouts. In the second one nearly every heartbeat takes the lock.
var edgeConfigs = []hostmgr.Config[int]{{}, {
	Policy: steady{hostmgr.Fixed(2)}, Shadow: hostmgr.Fixed(1.1), Recorder: io.Discard,
	Pacing: hostmgr.Pacing{Min: second, Max: second, PerSecond: 1},
}}

// The deadlines of a thousand hosts are all now, while 64 goroutines send heartbeats and sweeps
// run. A host whose heartbeat returned without error stays for its timeout. A heartbeat of an
// evicted host returns an error. Each registration departs once.
func TestEdge(t *testing.T) {
	evicted, saved := 0, 0
	for i := range times(80, 100_000) {
		e := newEdge(t, edgeConfigs[i%len(edgeConfigs)])
		require.Zero(t, e.rush(), "heartbeats of departed hosts that succeeded")
		e.Sweep(context.Background())
		breaches, gone, there := e.outcome()
		require.Zero(t, breaches)
		evicted += gone
		saved += there
	}
	t.Log(evicted, "evicted,", saved, "saved, 0 breaches")
	require.NotZero(t, evicted)
	require.NotZero(t, saved)
}

// The same under Run, on the system's clock: hosts are silent for about their timeout, again and
// again, and no cleanup may come within the timeout of a heartbeat. Time is real here, but the test
// does not sleep: it sends heartbeats for a given time, and then waits until the last host is gone.
func TestEdgeUnderRun(t *testing.T) {
	type own struct{ clock.Clock }
	for _, c := range []clock.Clock{clock.System(), own{clock.System()}} {
		u := &underRun{start: time.Now(), registrations: make([]edgeRegistration, 1<<20)}
		var err error
		u.Registry, err = hostmgr.New(hostmgr.Config[int]{Clock: c, Cleanup: u.cleanup})
		require.NoError(t, err)
		u.first = firstRegistration(t, u.Registry)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- u.Run(ctx) }()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { u.heartbeat(time.Duration(times(250, 60_000)) * time.Millisecond) })
		}
		wg.Wait()
		deadline := time.Now().Add(time.Minute)
		for u.Len() > 0 || u.Stats().Cleanup.Pending > 0 { // no host sends heartbeats any more
			require.True(t, time.Now().Before(deadline), "all hosts are evicted and cleaned up in time")
			runtime.Gosched()
		}
		cancel()
		require.NoError(t, <-done)
		t.Log(u.evicted.Load(), "evicted,", u.breaches.Load(), "breaches")
		require.NotZero(t, u.evicted.Load())
		require.EqualValues(t, u.Stats().Departures.Evicted, u.evicted.Load(), "cleaned up after, of the evicted")
		require.Zero(t, u.breaches.Load())
	}
}

const shortest = 10 * time.Millisecond

type underRun struct {
	*hostmgr.Registry[int]
	start             time.Time
	first             uint64
	registrations     []edgeRegistration
	evicted, breaches atomic.Int64
}

func (u *underRun) cleanup(_ context.Context, d hostmgr.Departure[int]) error {
	l := &u.registrations[d.Host.Registration-u.first]
	u.evicted.Add(1)
	if l.ended.Add(1) > 1 || int64(time.Since(u.start))-l.heard.Load() <= int64(2*shortest) {
		u.breaches.Add(1)
	}
	return nil
}

// heartbeat sends heartbeats for the given time (and until one host has joined), of half the hosts
// at a time.
func (u *underRun) heartbeat(length time.Duration) {
	for time.Since(u.start) < length || u.Stats().Joins == 1 {
		n, lo := rand.IntN(200), int64(time.Since(u.start))
		if (lo/int64(19*time.Millisecond)+int64(n))%2 == 0 {
			continue
		}
		id := strconv.Itoa(n)
		ack, err := u.Heartbeat(id, 0)
		if err != nil {
			ack, err = u.Announce(hostmgr.Announcement[int]{ID: id, Interval: shortest})
		}
		if err != nil || ack.Registration-u.first >= uint64(len(u.registrations)-8) {
			u.breaches.Add(1) // neither happens
			return
		}
		raise(&u.registrations[ack.Registration-u.first].heard, lo)
	}
}
