package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A chaos is a registry whose cleanups do anything, until calm.
type chaos struct {
	*hostmgr.Registry[string]
	t *testing.T

	mu       sync.Mutex // guards all below
	rnd      *rand.Rand
	calm     bool
	busy     map[string]bool // ids whose cleanup runs
	attempts map[uint64]int  // by registration
	done     int
}

func (c *chaos) dice(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

func (c *chaos) cleanup(ctx context.Context, d hostmgr.Departure[string]) error {
	dice := c.begin(d)
	defer c.end(d)
	switch dice {
	case 0, 1:
		return errNotNow
	case 2:
		panic("oops")
	case 3:
		runtime.Goexit()
	case 4:
		<-ctx.Done()
		return ctx.Err()
	case 5:
		time.Sleep(time.Duration(c.dice(60)) * second) // whatever becomes of its context
	case 6:
		c.reenter(ctx)
	case 7:
		c.reenter(context.Background())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	return nil
}

// begin checks that a try is the next one of its registration, and alone for its id.
func (c *chaos) begin(d hostmgr.Departure[string]) (dice int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts[d.Host.Registration]++
	if c.busy[d.Host.ID] || d.Attempt != c.attempts[d.Host.Registration] {
		c.t.Errorf("busy: %v, attempt %d: %+v", c.busy[d.Host.ID], c.attempts[d.Host.Registration], d)
	}
	c.busy[d.Host.ID] = true
	if c.calm {
		return -1
	}
	return c.rnd.IntN(20)
}

func (c *chaos) end(d hostmgr.Departure[string]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy[d.Host.ID] = false
}

// reenter calls the registry within a cleanup, which runs no cleanup and waits for none.
func (c *chaos) reenter(ctx context.Context) {
	id, began := c.id(), time.Now()
	_, _ = c.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
	_ = c.Leave(ctx, id, 0)
	if rep := c.Sweep(ctx); rep.Cleaned > 0 {
		c.t.Error("a Sweep within a cleanup did cleanups")
	}
	if took := time.Since(began); took > 0 {
		c.t.Errorf("calls within a cleanup took %v", took)
	}
}

func (c *chaos) id() string { return strconv.Itoa(c.dice(4)) }

// come lets a host join, and perhaps leave.
func (c *chaos) come(ctx context.Context) {
	id := c.id()
	_, _ = c.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
	switch c.dice(4) {
	case 0:
		_ = c.Leave(ctx, id, 0)
	case 1:
		ctx, cancel := context.WithTimeout(ctx, time.Duration(c.dice(3000))*time.Millisecond)
		defer cancel()
		_ = c.Leave(ctx, id, 0)
	}
}

func (c *chaos) runForAWhile(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.dice(60))*second)
	defer cancel()
	_ = c.Run(ctx)
}

// Cleanups fail, panic, end their goroutine, hang with and without regard to their context, and
// call the registry, while Runs come and go and others sweep. In the end each departure was cleaned
// up once, or was given up.
func TestEachDepartureIsCleanedUpOrGivenUp(t *testing.T) {
	givenUp := uint64(0)
	for seed := range uint64(times(3, 100)) {
		synctest.Test(t, func(t *testing.T) {
			c := &chaos{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), busy: map[string]bool{}, attempts: map[uint64]int{}}
			r, err := hostmgr.New(hostmgr.Config[string]{
				Cleanup: c.cleanup, CleanupWorkers: 1 + int(seed%4), CleanupTimeout: 20 * second, StallThreshold: -1,
			})
			require.NoError(t, err)
			c.Registry = r
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			for _, f := range []func(context.Context){c.come, c.come, c.come, c.runForAWhile, func(ctx context.Context) { c.Sweep(ctx) }} {
				wg.Go(func() {
					for ctx.Err() == nil {
						f(ctx)
						time.Sleep(time.Duration(1+c.dice(1000)) * time.Millisecond)
					}
				})
			}
			wg.Wait()
			c.mu.Lock()
			c.calm = true
			c.mu.Unlock()
			stop := run(t, r)
			time.Sleep(2 * time.Hour)
			stop()
			s := r.Stats()
			require.Zero(t, s.Cleanup.Pending)
			require.Zero(t, s.Cleanup.Running)
			require.Zero(t, s.Cleanup.LeftBehind)
			require.NotZero(t, s.Cleanup.Timeouts)
			givenUp += s.Cleanup.GivenUp
			d := s.Departures
			require.Equal(t, s.Joins, d.Left+d.Evicted+d.Replaced)
			require.Equal(t, s.Joins, uint64(c.done)+s.Cleanup.GivenUp)
		})
	}
	require.NotZero(t, givenUp)
}
