package hostmgr_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A chatty clock calls back at each reading. This stands for another goroutine that runs at that
// moment.
type chatty struct {
	*clockwork.FakeClock
	meanwhile func()
}

func (c *chatty) Now() time.Time { c.call(); return c.FakeClock.Now() }

func (c *chatty) Since(t time.Time) time.Duration { c.call(); return c.FakeClock.Since(t) }

func (c *chatty) call() {
	if f := c.meanwhile; f != nil {
		c.meanwhile = nil
		f()
		c.meanwhile = f
	}
}

// Hosts are observed with old contacts faster than the sweep checks them. The sweep ends all the
// same, and leaves the earlier deadlines to the next sweep.
func TestASweepEndsAlthoughHostsAreObserved(t *testing.T) {
	const many = 20_000
	c := &chatty{FakeClock: clockwork.NewFakeClock()}
	s := newScriptOn(t, c.FakeClock, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{}, Clock: c})
	for i := range many {
		s.join(strconv.Itoa(i))
	}
	s.clock.Advance(3 * time.Second / 2)
	observed := 0
	c.meanwhile = func() {
		for range 100 {
			if observed++; observed < 1_000_000 { // the bound keeps the old fault from running for ever
				require.NoError(t, s.Observe(strconv.Itoa(observed*7919%many), 0, 2*time.Second))
			}
		}
	}
	require.Equal(t, many, s.Sweep(context.Background()).Scanned)
	_, due := s.Next()
	require.True(t, due)
}
