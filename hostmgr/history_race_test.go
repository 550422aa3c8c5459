package hostmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

const knownTimeout = 1000 * second

// A slowPolicy is a HistoryPolicy. Its timeout is 2 x interval before the first heartbeat, and 1000
// s plus one second for each heartbeat after. The first call with a given number of heartbeats
// blocks until the test releases it.
type slowPolicy struct {
	at      uint64 // heartbeats
	once    sync.Once
	in, out chan struct{}
}

func newSlowPolicy(at uint64) *slowPolicy {
	return &slowPolicy{at: at, in: make(chan struct{}), out: make(chan struct{})}
}

func (p *slowPolicy) NeedsHistory() bool { return true }

func (p *slowPolicy) Timeouts(x hostmgr.History) (suspect, evict time.Duration) {
	if x.Count == p.at {
		p.once.Do(func() { close(p.in); <-p.out })
	}
	if x.Count == 0 {
		return 0, 2 * x.Interval
	}
	return 0, knownTimeout + time.Duration(x.Count)*second
}

// askAbout sends a heartbeat of host a, calls during while the policy is asked about it, and waits
// for the heartbeat.
func (p *slowPolicy) askAbout(s *script, during func()) {
	s.t.Helper()
	done := make(chan error)
	go func() { _, err := s.Heartbeat("a", 0); done <- err }()
	<-p.in
	during()
	close(p.out)
	require.NoError(s.t, <-done)
}

// timeout returns the silence after which a host is evicted.
func (s *script) timeout(id string) time.Duration {
	s.t.Helper()
	h := s.get(id)
	return h.EvictAt.Sub(h.LastContact)
}

func (s *script) joinOthers(hosts int) {
	s.t.Helper()
	for i := range hosts {
		s.join("crowd" + strconv.Itoa(i))
	}
}

// A heartbeat asks the policy, and the bucket of its host is rebuilt meanwhile. The answer counts
// all the same: the timeout before it is far shorter.
func TestAnAnswerOutlivesTheRebuildOfItsBucket(t *testing.T) {
	p := newSlowPolicy(1)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.clock.Advance(second)
	p.askAbout(s, func() { s.joinOthers(5000) })
	require.Equal(t, knownTimeout+second, s.timeout("a"))
	s.after(100 * second)
	require.False(t, s.gone("a"))
	s.after(knownTimeout)
	require.True(t, s.gone("a"))
}

// Two heartbeats of one host ask the policy at once. The first gets its answer last.
func TestAnOlderAnswerDoesNotReplaceANewerOne(t *testing.T) {
	p := newSlowPolicy(1)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.clock.Advance(second)
	p.askAbout(s, func() {
		s.clock.Advance(second)
		s.heartbeat("a")
	})
	require.Equal(t, knownTimeout+2*second, s.timeout("a"))
}

// The interval is 10 s, then 20 s, then 10 s again. The first history is discarded, and the
// evidence says so. A replay of the log agrees.
func TestATimeoutDoesNotComeBackWithItsInterval(t *testing.T) {
	var cleanups cleanupLog
	var log bytes.Buffer
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{}, Cleanup: cleanups.cleanup, Recorder: &log})
	announce := func(d time.Duration) { s.announce(hostmgr.Announcement[string]{ID: "a", Interval: d}) }
	announce(10 * second)
	initial := s.timeout("a")
	for range 100 {
		s.after(10 * second)
		s.heartbeat("a")
	}
	require.Less(t, s.timeout("a"), initial/2)
	announce(20 * second)
	announce(10 * second)
	require.Equal(t, initial, s.timeout("a"))
	s.after(30 * second)
	require.False(t, s.gone("a"))
	s.after(30 * second)
	require.True(t, s.gone("a"))
	require.Equal(t, initial, cleanups.departures[0].Timeout)
	require.Zero(t, cleanups.departures[0].Count)
	requireReplayAgrees(t, log.Bytes(), hostmgr.PhiAccrual{})
}

// requireReplayAgrees replays the log with the policy of the recording.
func requireReplayAgrees(t *testing.T, log []byte, p hostmgr.Policy) {
	t.Helper()
	verdicts := 0
	for v, err := range flight.Replay(flight.Read(bytes.NewReader(log)), p) {
		require.NoError(t, err, "%s", log)
		require.Empty(t, v.Change, "%v\n%s", v, log)
		verdicts++
	}
	require.NotZero(t, verdicts)
}

// The host leaves while the policy is asked about a heartbeat. The evidence has the current timeout
// and the history that it was computed from, not those of the pending answer.
func TestEvidenceMatchesTheCurrentTimeout(t *testing.T) {
	var cleanups cleanupLog
	var log bytes.Buffer
	p := newSlowPolicy(2)
	s := newScript(t, hostmgr.Config[string]{Policy: p, Cleanup: cleanups.cleanup, Recorder: &log})
	s.join("a")
	s.clock.Advance(second)
	s.heartbeat("a")
	s.clock.Advance(second + second/4)
	p.askAbout(s, func() { require.NoError(t, s.Leave(context.Background(), "a", 0)) })
	e := cleanups.departures[0].Evidence
	require.Equal(t, knownTimeout+second, e.Timeout)
	require.EqualValues(t, 1, e.Count)
	require.Equal(t, second, e.Mean)
	s.Sweep(context.Background())
	for r, err := range flight.Read(&log) {
		require.NoError(t, err)
		if r.Kind == "left" {
			require.Equal(t, hostmgr.History{Interval: second, Mean: second, Count: 1}, r.History)
			require.Equal(t, knownTimeout+second, r.Timeout)
		}
	}
}

// A host with regular heartbeats pauses once, for minutes, and is held meanwhile, or no sweep runs.
// Its timeout does not double, however long its history is.
func TestOneGapDoesNotPoisonAHistory(t *testing.T) {
	for _, before := range []int{8, 9, 20, 100, 1000} {
		for _, pause := range []time.Duration{22 * second, 4 * time.Minute, 24 * time.Hour} {
			t.Run(fmt.Sprint(before, " ", pause), func(t *testing.T) {
				s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{}})
				s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
				s.heartbeatsEvery("a", before, 10*second)
				old := s.timeout("a")
				s.heartbeatsEvery("a", 1, pause)
				require.Less(t, s.timeout("a"), 2*old)
				s.heartbeatsEvery("a", 64, 10*second)
				require.Less(t, s.timeout("a"), old+old/3)
			})
		}
	}
}

// heartbeatsEvery sends n heartbeats, a gap apart, without sweeps.
func (s *script) heartbeatsEvery(id string, n int, gap time.Duration) {
	s.t.Helper()
	for range n {
		s.clock.Advance(gap)
		s.heartbeat(id)
	}
}
