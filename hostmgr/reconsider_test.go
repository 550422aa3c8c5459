package hostmgr_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A changingPolicy evicts hosts after a number of intervals that a test may change. Without a
// history it answers by the interval only.
type changingPolicy struct {
	history bool
	factor  atomic.Int64
	asked   atomic.Int64
	hook    atomic.Pointer[func(hostmgr.History)] // called before the answer, after it was chosen
}

func newChangingPolicy(history bool, factor int64) *changingPolicy {
	p := &changingPolicy{history: history}
	p.factor.Store(factor)
	return p
}

func (p *changingPolicy) NeedsHistory() bool { return p.history }

func (p *changingPolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	p.asked.Add(1)
	evict = time.Duration(p.factor.Load()) * h.Interval
	if hook := p.hook.Load(); hook != nil {
		(*hook)(h)
	}
	return evict * 3 / 4, evict
}

// holdNext makes the next answer to a question wait until the returned function is called. in is
// closed when the policy has been asked.
func (p *changingPolicy) holdNext() (in chan struct{}, release func()) {
	in, out := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	p.onAnswer(func(hostmgr.History) {
		if first.CompareAndSwap(false, true) {
			close(in)
			<-out
		}
	})
	return in, func() { close(out) }
}

func (p *changingPolicy) onAnswer(hook func(hostmgr.History)) { p.hook.Store(&hook) }

// forBoth runs a test with a policy that is asked by interval, and with a HistoryPolicy.
func forBoth(t *testing.T, test func(*testing.T, *changingPolicy)) {
	t.Helper()
	for _, history := range []bool{false, true} {
		t.Run(fmt.Sprintf("history %v", history), func(t *testing.T) { test(t, newChangingPolicy(history, 4)) })
	}
}

// joinAndBeat lets hosts join, and learn two gaps.
func (s *script) joinAndBeat(hosts int) (ids []string) {
	s.t.Helper()
	for i := range hosts {
		ids = append(ids, strconv.Itoa(i))
		s.announce(hostmgr.Announcement[string]{ID: ids[i], Interval: time.Duration(1+i%3) * second})
	}
	for range 2 {
		s.clock.Advance(second)
		for _, id := range ids {
			s.heartbeat(id)
		}
	}
	return ids
}

// Without Reconsider the first answer for an interval applies for good. With it all hosts have the
// new answer at once, without a contact.
func TestReconsiderReschedulesAllHosts(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		ids := s.joinAndBeat(5000)
		p.factor.Store(2)
		asked := p.asked.Load()
		s.Reconsider()
		if !p.history {
			require.EqualValues(t, 3, p.asked.Load()-asked, "once for each interval")
		}
		for _, id := range ids {
			require.Equal(t, 2*s.get(id).Interval, s.timeout(id))
		}
		next, ok := s.Next()
		require.True(t, ok)
		require.False(t, next.After(s.get("0").EvictAt), "Next knows the new deadlines")
		s.clock.Advance(2 * second)
		require.Zero(t, s.Sweep(t.Context()).Evicted)
		require.EqualValues(t, 1667, s.after(1).Evicted, "those at a second")
		require.EqualValues(t, 5000-1667, s.after(4*second).Evicted)
	})
}

// The new timeout has passed already: the next sweep evicts the host.
func TestAShorterTimeoutMayHavePassed(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(1)
		require.Zero(t, s.after(3*second-1).Evicted)
		p.factor.Store(2)
		s.Reconsider()
		require.Equal(t, hostmgr.StateOffline, s.get("0").State)
		next, _ := s.Next()
		require.False(t, next.After(s.clock.Now()))
		require.Equal(t, 1, s.after(0).Evicted)
	})
}

// A suspect recovers when it has more time.
func TestASuspectRecoversByReconsider(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: p})
		s.joinAndBeat(1)
		require.Equal(t, 1, s.after(3*second+second/2).Suspected)
		p.factor.Store(20)
		s.Reconsider()
		require.Equal(t, hostmgr.StateLate, s.get("0").State)
		require.Zero(t, s.Stats().Suspects)
		require.EqualValues(t, 1, s.Stats().Recovered)
		s.clock.Advance(16*second + second/2 - 1)
		require.Zero(t, s.Sweep(t.Context()).Evicted)
		require.Equal(t, 1, s.after(2).Evicted)
	})
}

// So does a host that the eviction limit holds.
func TestAHeldHostIsReleasedByReconsider(t *testing.T) {
	p := newChangingPolicy(false, 4)
	s := newScript(t, hostmgr.Config[string]{Policy: p, EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.1}})
	s.joinAndBeat(9)
	require.NotZero(t, s.after(5*second).Held)
	p.factor.Store(20)
	s.Reconsider()
	require.Zero(t, s.Stats().Held)
	require.Zero(t, s.Stats().Suspects)
}

// A second policy is asked again too.
func TestReconsiderAsksTheShadow(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(100), Shadow: p})
		s.joinAndBeat(1)
		p.factor.Store(2)
		s.Reconsider()
		s.clock.Advance(3 * second)
		s.heartbeat("0")
		require.EqualValues(t, 1, s.Stats().Shadow.Evictions)
	})
}

func in3(id string) hostmgr.Announcement[string] {
	return hostmgr.Announcement[string]{ID: id, Interval: 3 * second}
}

// A history goes on: only its answer is a new one.
func TestReconsiderKeepsHistories(t *testing.T) {
	counts := make(chan uint64, 100)
	p := newChangingPolicy(true, 4)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.joinAndBeat(1)
	p.onAnswer(func(h hostmgr.History) { counts <- h.Count })
	s.Reconsider()
	s.clock.Advance(second)
	s.heartbeat("0")
	close(counts)
	var asked []uint64
	for n := range counts {
		asked = append(asked, n)
	}
	require.Equal(t, []uint64{0, 2, 3}, asked)
}

// In any state of a registry without hosts Reconsider does nothing.
func TestReconsiderWithoutHosts(t *testing.T) {
	p := newChangingPolicy(false, 4)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.Reconsider()
	require.Zero(t, p.asked.Load())
	s.join("a")
	p.factor.Store(20)
	require.NoError(t, s.Forget("a", 0))
	s.Reconsider()
	s.join("a")
	require.Equal(t, 20*second, s.timeout("a"), "no answer of before is kept")
}

// Reconsider, announces, heartbeats and sweeps at the same time. In the end each host has the
// latest answer, and none was evicted before its shortest timeout.
func TestReconsiderUnderLoad(t *testing.T) {
	forBoth(t, func(t *testing.T, p *changingPolicy) {
		s := newScript(t, hostmgr.Config[string]{
			Policy: p, Shadow: p, Pacing: hostmgr.Pacing{Min: second, Max: 10 * second, PerSecond: 100},
		})
		const hosts = 300
		for i := range hosts {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Duration(1+i%5) * second})
		}
		var calls, sweeps sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for g := range 3 {
			calls.Go(func() {
				for i := range times(1500, 30_000) {
					id := strconv.Itoa((i*7 + g) % hosts)
					switch i % 4 {
					case 0:
						s.announceQuietly(hostmgr.Announcement[string]{ID: id, Zone: strconv.Itoa(i % 3), Interval: time.Duration(1+i%7) * second})
					default:
						_, err := s.Heartbeat(id, 0)
						if err != nil && !errors.Is(err, hostmgr.ErrUnknownHost) {
							t.Error(err)
						}
					}
				}
			})
		}
		for range 2 {
			sweeps.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					p.factor.Store(int64(2 + i%5))
					s.Reconsider()
				}
			})
		}
		sweeps.Go(func() {
			for ctx.Err() == nil {
				s.after(time.Millisecond)
			}
		})
		calls.Wait()
		stop()
		sweeps.Wait()
		p.factor.Store(9)
		s.Reconsider()
		for h := range s.All() {
			require.Equal(t, 9*h.Interval, s.timeout(h.ID), h.ID)
		}
		s.after(100 * second)
		require.Zero(t, s.Len())
		require.Zero(t, s.Stats().Suspects)
	})
}

func (s *script) announceQuietly(a hostmgr.Announcement[string]) {
	if _, err := s.Announce(a); err != nil {
		s.t.Error(err)
	}
}
