package hostmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// An oracle knows when each cleanup begins: when its registration has departed, the last function
// of While for it has returned, and the cleanup before it has ended.
type oracle struct {
	*hostmgr.Registry[string]
	t     *testing.T
	start time.Time

	mu      sync.Mutex // guards all below
	rnd     *rand.Rand
	used    map[uint64]time.Duration // when the last function ended, by registration
	running map[uint64]int           // functions
	rows    map[uint64]int
	begun   map[uint64]time.Duration // cleanups
	ended   map[string]time.Duration // the last cleanup of an id
	calls   map[string]int           // what was covered
}

func (o *oracle) draw(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rnd.IntN(n)
}

func (o *oracle) cover(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls[what]++
}

func (o *oracle) cleanup(_ context.Context, d hostmgr.Departure[string]) error {
	o.mu.Lock()
	k, now := d.Host.Registration, time.Since(o.start)
	if want := max(d.At.Sub(o.start), o.used[k], o.ended[d.Host.ID]); want != now {
		o.t.Errorf("cleanup %d of %s begins after %v, not %v", k, d.Host.ID, now, want)
	}
	if o.running[k] > 0 {
		o.t.Errorf("cleanup %d of %s begins while a function runs", k, d.Host.ID)
	}
	o.begun[k] = now
	o.calls[d.Kind.String()]++
	if o.used[k] > d.At.Sub(o.start) {
		o.calls["awaited"]++
	}
	takes := time.Duration(o.rnd.Int64N(int64(30 * time.Millisecond)))
	o.mu.Unlock()
	time.Sleep(takes)
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.rows, k)
	o.ended[d.Host.ID] = time.Since(o.start)
	return nil
}

// use calls While for a registration that was current a moment ago.
func (o *oracle) use(id string) {
	h, ok := o.Get(id)
	if !ok || o.draw(10) == 0 {
		h.Registration = 1 // of no host; 0 would mean any
	}
	err := o.While(id, h.Registration, func() error {
		o.add(h.Registration, 1)
		defer o.add(h.Registration, -1)
		time.Sleep(time.Duration(o.draw(40*1e6 + 1)))
		o.reenter(id)
		time.Sleep(time.Duration(o.draw(10*1e6 + 1)))
		return nil
	})
	if errors.Is(err, hostmgr.ErrStale) {
		err = hostmgr.ErrStale // without the number
	}
	o.cover(fmt.Sprint("While: ", err))
}

// add adds a row, and counts a function that begins or ends.
func (o *oracle) add(registration uint64, more int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if began, ok := o.begun[registration]; ok {
		o.t.Errorf("a function runs after its cleanup has begun, after %v", began)
	}
	o.rows[registration]++
	o.running[registration] += more
	o.used[registration] = time.Since(o.start)
}

// reenter calls the registry within a function: nothing waits for the function.
func (o *oracle) reenter(id string) {
	began := time.Now()
	switch o.draw(6) {
	case 0:
		_ = o.Leave(context.Background(), id, 0)
	case 1:
		_ = o.Drain(context.Background())
	case 2:
		_ = o.While(id, 0, func() error { return o.Evict(context.Background(), id, 0, "within") })
	case 3:
		o.join(id)
	case 4: // of another host: it may wait for cleanups, but for no function
		_ = o.Leave(context.Background(), strconv.Itoa(o.draw(6)), 0)
		return
	}
	if took := time.Since(began); took > 0 {
		o.t.Errorf("a call within a function took %v", took)
	}
}

// join lets a host join, or a newer incarnation replace it.
func (o *oracle) join(id string) {
	_, _ = o.Announce(hostmgr.Announcement[string]{ID: id, Incarnation: uint64(time.Since(o.start)), Interval: 50 * time.Millisecond})
}

// Hosts join, leave, fall silent, and are replaced and evicted at random, and functions of While
// run at random for each. Under Run each cleanup begins at the very moment that the oracle gives.
// After that no function runs, and no row stays.
func TestModelOfWhile(t *testing.T) {
	calls := map[string]int{}
	for seed := range uint64(times(40, 400)) {
		synctest.Test(t, func(t *testing.T) {
			o := &oracle{
				t: t, start: time.Now(), rnd: rand.New(rand.NewPCG(seed, 1)), used: map[uint64]time.Duration{}, running: map[uint64]int{},
				rows: map[uint64]int{}, begun: map[uint64]time.Duration{}, ended: map[string]time.Duration{}, calls: calls,
			}
			var err error
			o.Registry, err = hostmgr.New(hostmgr.Config[string]{Cleanup: o.cleanup, CleanupWorkers: 16})
			require.NoError(t, err)
			stop := run(t, o.Registry)
			var wg sync.WaitGroup
			for range 200 {
				time.Sleep(time.Duration(1 + o.draw(10*1e6)))
				id := strconv.Itoa(o.draw(6))
				switch o.draw(8) {
				case 0:
					wg.Go(func() { _ = o.Leave(t.Context(), id, 0) })
				case 1:
					wg.Go(func() { _ = o.Evict(t.Context(), id, 0, "a reason") })
				case 2, 3:
					o.join(id)
				default:
					wg.Go(func() { o.use(id) })
				}
			}
			wg.Wait()
			time.Sleep(second) // all are evicted
			synctest.Wait()
			require.Empty(t, o.rows, "seed %d", seed)
			require.Zero(t, o.Stats().Cleanup.Pending)
			require.Zero(t, o.Stats().Cleanup.AwaitingWhile)
			stop()
		})
	}
	for _, what := range []string{"left", "evicted", "replaced", "awaited", "While: <nil>", "While: " + hostmgr.ErrStale.Error(), "While: " + hostmgr.ErrUnknownHost.Error()} {
		require.NotZero(t, calls[what], "%s: %v", what, calls)
	}
}

// The same by hand, on many goroutines, with the real clock: functions and cleanups of a
// registration never overlap, and no row stays.
func TestStressOfWhile(t *testing.T) {
	x := newTable(t, hostmgr.Config[string]{CleanupWorkers: 3})
	x.cleanup = func(d hostmgr.Departure[string]) error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.running[d.Host.Registration] > 0 {
			t.Errorf("registration %d is in use", d.Host.Registration)
		}
		return nil
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			for range times(1000, 100_000) {
				id := strconv.Itoa(rnd.IntN(3))
				switch rnd.IntN(5) {
				case 0:
					_, _ = x.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Hour})
				case 1:
					_ = x.Leave(context.Background(), id, 0)
				case 2:
					_ = x.Drain(context.Background())
				default:
					h, ok := x.Get(id)
					if !ok {
						continue
					}
					_ = x.While(id, h.Registration, func() error {
						x.add(h.Registration, 1)
						defer x.add(h.Registration, -1)
						if rnd.IntN(3) == 0 {
							_ = x.Leave(context.Background(), id, 0)
						}
						return nil
					})
				}
			}
		})
	}
	wg.Wait()
	for i := range 3 {
		_ = x.Leave(context.Background(), strconv.Itoa(i), 0)
	}
	require.NoError(t, x.Drain(context.Background()))
	require.Empty(t, x.rows)
}
