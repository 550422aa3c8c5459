package hosttest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder is a test that fails without ending.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestThePoliciesOfHostmgrKeepTheRules(t *testing.T) {
	for _, p := range []hostmgr.Policy{
		hostmgr.Fixed(1.1), hostmgr.Fixed(2), hostmgr.Fixed(2.5), hostmgr.Fixed(1e18),
		hostmgr.Tiered{}, hostmgr.Tiered{Jitter: time.Second, Offline: time.Second},
		hostmgr.PhiAccrual{}, hostmgr.PhiAccrual{Threshold: 1e6}, hostmgr.PhiAccrual{Threshold: 0.5, MinOverdue: 1},
	} {
		t.Run(fmt.Sprintf("%T%+v", p, p), func(t *testing.T) { hosttest.TestPolicy(t, p) })
	}
}

// A plain policy is a function.
type plain func(hostmgr.History) (suspect, evict time.Duration)

func (p plain) Timeouts(h hostmgr.History) (suspect, evict time.Duration) { return p(h) }

// A historian is a policy that asks for the history.
type historian struct {
	plain
	needs func() bool
}

func (p historian) NeedsHistory() bool { return p.needs() }

func yes() bool { return true }

func twice(h hostmgr.History) time.Duration { return 2 * h.Interval }

// Each policy breaks one rule, and the message says which, and for which History.
func TestBrokenPolicies(t *testing.T) {
	var asked, changes atomic.Int64
	for message, p := range map[string]hostmgr.Policy{
		"is nil: hostmgr.New would use Fixed(2)":                                nil,
		"hostmgr.Fixed is refused by hostmgr.New: hostmgr: invalid: Fixed(1): ": hostmgr.Fixed(1),
		// Valid for an interval of 10 ms only.
		"evicts a host that is on time: (20.5ms, 21ms) for {Interval:20ms ": hostmgr.PhiAccrual{MaxOverdue: time.Millisecond},
		"panics: oops for {Interval:24h0m0s Zone: Mean:0s ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			if h.Interval == 24*time.Hour {
				panic("oops")
			}
			return 0, twice(h)
		}),
		"panics: runtime error: integer divide by zero for {Interval:10ms Zone: Mean:0s Deviation:0s Count:0 ": historian{
			func(h hostmgr.History) (time.Duration, time.Duration) {
				return 0, twice(h) + h.Mean/time.Duration(h.Count)*0
			}, yes},
		"returns a negative timeout: (-1ns, 20ms) for {Interval:10ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return -1, twice(h)
		}),
		"returns a negative timeout: (0s, -": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, h.Interval * 1 << 20 // overflows
		}),
		"evicts a host that is on time: (0s, 10ms) for {Interval:10ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, h.Interval
		}),
		"evicts a host that is on time: (0s, 1m0s) for {Interval:": plain(func(hostmgr.History) (time.Duration, time.Duration) {
			return 0, time.Minute // whatever the interval
		}),
		"suspects a host that is on time: (5ms, 20ms) for {Interval:10ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return h.Interval / 2, twice(h)
		}),
		"suspects a host after its eviction: (30ms, 20ms) for {Interval:10ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 3 * h.Interval, twice(h)
		}),
		"is not pure: (0s, ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, twice(h) + rand.N(time.Second)
		}),
		"for the same {Interval:": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, twice(h) + time.Duration(asked.Add(1))
		}),
		"evicts a host that is on time: (0s, 30s) for {Interval:30s ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			if h.Interval == 30*time.Second { // the bound of a table
				return 0, 30 * time.Second
			}
			return 0, twice(h)
		}),
		"evicts a host that is on time: (0s, 1m0s) for {Interval:1m0s ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			if 59*time.Second < h.Interval && h.Interval < 61*time.Second {
				return 0, time.Minute
			}
			return 0, twice(h)
		}),
		"has a shorter timeout for a longer interval: (0s, ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, max(48*time.Hour-h.Interval, h.Interval*3/2)
		}),
		"for {Interval:1h": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			if h.Interval < time.Hour {
				return 0, 0 // never, but hosts with longer intervals are evicted
			}
			return 0, twice(h)
		}),
		"uses the history without NeedsHistory: (0s, 30ms) for {Interval:10ms Zone: Mean:20ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, twice(h) + h.Mean/2
		}),
		"Count:0 Evictions:3}, but (0s, 20ms) for {Interval:10ms ": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			return 0, twice(h) + time.Duration(min(h.Evictions, 8))*time.Second
		}),
		"changes what NeedsHistory returns: false, and later true": historian{
			func(h hostmgr.History) (time.Duration, time.Duration) { return 0, twice(h) },
			func() bool { return changes.Add(1) > 8 },
		},
		"{Interval:10ms Zone:a Mean:0s": plain(func(h hostmgr.History) (time.Duration, time.Duration) {
			if h.Zone == "a" {
				return 0, h.Interval
			}
			return 0, twice(h)
		}),
	} {
		t.Run(message, func(t *testing.T) {
			r := &recorder{TB: t}
			hosttest.TestPolicy(r, p)
			require.Contains(t, strings.Join(r.failures, "\n"), message)
		})
	}
}
