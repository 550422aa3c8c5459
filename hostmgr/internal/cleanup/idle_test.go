package cleanup_test

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
)

// A clumsy cleaner takes its time, and then succeeds, fails, panics, ends its goroutine, or adds a
// job.
type clumsy struct {
	s *script

	mu   sync.Mutex // guards all below
	rnd  *rand.Rand
	busy int // cleanups that occupy a worker
}

func (c *clumsy) draw(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

// occupy counts more cleanups that occupy a worker, and returns how many there are.
func (c *clumsy) occupy(more int) (busy int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += more
	return c.busy
}

func (c *clumsy) clean(ctx context.Context, _ string, attempt int) error {
	c.occupy(1)
	defer c.occupy(-1)
	time.Sleep(time.Duration(c.draw(5)*c.draw(60)) * time.Millisecond)
	if attempt > 6 {
		return nil
	}
	switch c.draw(8) {
	case 0, 1:
		return errNotNow
	case 2:
		panic("oops")
	case 3:
		runtime.Goexit()
	case 4:
		id := strconv.Itoa(c.draw(12))
		now := c.s.clock.Now()
		j := c.s.Add(work(id, id, now), now)
		c.s.Wake()
		_ = c.s.Await(ctx, j)
	}
	return nil
}

// Whatever cleanups do, no job waits while a worker is free, and nothing but the queue wakes Run.
func TestNoJobWaitsWhileAWorkerIsFree(t *testing.T) {
	for seed := range uint64(200) {
		bubble(t, func(t *testing.T) {
			c := &clumsy{rnd: rand.New(rand.NewPCG(seed, 7))}
			workers := 1 + int(seed%4)
			c.s = newScript(t, workers, c.clean)
			c.s.failing = func(error) {
				if c.draw(10) == 0 {
					runtime.Goexit()
				}
			}
			stop := c.s.run()
			for range 300 {
				if c.draw(3) == 0 {
					c.s.add(strconv.Itoa(c.draw(12)))
				}
				time.Sleep(time.Duration(1+c.draw(40)) * time.Millisecond)
				synctest.Wait()
				if c.s.Next() <= c.s.clock.Now() {
					require.Equal(t, workers, c.occupy(0), "seed %d", seed)
				}
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Zero(t, c.s.pending(), "seed %d", seed)
			stop()
		})
	}
}
