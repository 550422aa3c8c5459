package hostmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

const learnedTimeout = 1000 * second

// A slowPolicy learns. Its timeout is 2 x interval until it has heard a heartbeat, and 1000 s then.
// The first question about that many heartbeats waits until the test lets it go.
type slowPolicy struct {
	at      uint64 // heartbeats
	once    sync.Once
	in, out chan struct{}
}

func newSlowPolicy(at uint64) *slowPolicy {
	return &slowPolicy{at: at, in: make(chan struct{}), out: make(chan struct{})}
}

func (p *slowPolicy) Learns() bool { return true }

func (p *slowPolicy) Patience(x hostmgr.Pulse) (suspect, evict time.Duration) {
	if x.Beats == p.at {
		p.once.Do(func() { close(p.in); <-p.out })
	}
	if x.Beats == 0 {
		return 0, 2 * x.Interval
	}
	return 0, learnedTimeout + time.Duration(x.Beats)*second
}

// askAbout sends a heartbeat of a, does something while the policy is asked about it, and waits
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

// timeout is the silence after which a host is evicted.
func (s *script) timeout(id string) time.Duration {
	s.t.Helper()
	h := s.get(id)
	return h.EvictAt.Sub(h.LastSeen)
}

func (s *script) crowd(hosts int) {
	s.t.Helper()
	for i := range hosts {
		s.join("crowd" + strconv.Itoa(i))
	}
}

// A heartbeat asks the policy, and the page of its host is rebuilt meanwhile. The answer counts
// all the same: it is the first one, and what counted before is far shorter.
func TestAnAnswerOutlivesTheRebuildOfItsPage(t *testing.T) {
	p := newSlowPolicy(1)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.clock.Advance(second)
	p.askAbout(s, func() { s.crowd(5000) })
	require.Equal(t, learnedTimeout+second, s.timeout("a"))
	s.after(100 * second)
	require.False(t, s.gone("a"))
	s.after(learnedTimeout)
	require.True(t, s.gone("a"))
}

// Two heartbeats of one host ask the policy at once, and the first is answered last.
func TestAnOlderAnswerDoesNotReplaceANewerOne(t *testing.T) {
	p := newSlowPolicy(1)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	s.join("a")
	s.clock.Advance(second)
	p.askAbout(s, func() {
		s.clock.Advance(second)
		s.beat("a")
	})
	require.Equal(t, learnedTimeout+2*second, s.timeout("a"))
}

// Heartbeats learn while their pages are rebuilt, again and again: each host that was heard has
// what was learned of it.
func TestNothingLearnedIsLostByRebuilds(t *testing.T) {
	p := newSlowPolicy(1 << 60)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	const hosts = 40
	beat := func(i int) {
		if _, err := s.Heartbeat(strconv.Itoa(i%hosts), 0); err != nil {
			t.Error(err)
		}
	}
	for i := range hosts {
		s.join(strconv.Itoa(i))
	}
	for round := range times(300, 3000) {
		var stop atomic.Bool
		var wg sync.WaitGroup
		for g := range 2 {
			wg.Go(func() {
				for i := g * hosts / 2; !stop.Load(); i++ {
					s.clock.Advance(time.Microsecond)
					beat(i)
				}
			})
		}
		s.crowd(60)
		for i := range 60 {
			require.NoError(t, s.Forget("crowd"+strconv.Itoa(i), 0))
		}
		stop.Store(true)
		wg.Wait()
		for i := range hosts {
			if h := s.get(strconv.Itoa(i)); h.LastSeen.After(h.Joined) {
				require.Greater(t, h.EvictAt.Sub(h.LastSeen), learnedTimeout, "round %d, host %d", round, i)
			}
		}
	}
}

// The interval is 10 s, then 20 s, and 10 s again: what was learned at first is forgotten, and the
// evidence says so. The log's judge agrees.
func TestATimeoutDoesNotComeBackWithItsInterval(t *testing.T) {
	var diary diary
	var log bytes.Buffer
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}, Cleanup: diary.cleanup, Recorder: &log})
	announce := func(d time.Duration) { s.announce(hostmgr.Announcement[string]{ID: "a", Interval: d}) }
	announce(10 * second)
	unlearned := s.timeout("a")
	for range 100 {
		s.after(10 * second)
		s.beat("a")
	}
	require.Less(t, s.timeout("a"), unlearned/2)
	announce(20 * second)
	announce(10 * second)
	require.Equal(t, unlearned, s.timeout("a"))
	s.after(30 * second)
	require.False(t, s.gone("a"))
	s.after(30 * second)
	require.True(t, s.gone("a"))
	require.Equal(t, unlearned, diary.departures[0].Patience)
	require.Zero(t, diary.departures[0].Beats)
	requireJudgeAgrees(t, log.Bytes(), hostmgr.Adaptive{})
}

// requireJudgeAgrees has the log judged again by the policy that it was recorded with.
func requireJudgeAgrees(t *testing.T, log []byte, p hostmgr.Policy) {
	t.Helper()
	verdicts := 0
	for v, err := range flight.Judge(flight.Read(bytes.NewReader(log)), p) {
		require.NoError(t, err, "%s", log)
		require.Empty(t, v.Change, "%v\n%s", v, log)
		verdicts++
	}
	require.NotZero(t, verdicts)
}

// While the policy is asked about a heartbeat the host leaves. The evidence names the timeout that
// counts, and what that was learned from: not what the next one will be.
func TestEvidenceIsWhatThePolicyWasAsked(t *testing.T) {
	var diary diary
	var log bytes.Buffer
	p := newSlowPolicy(2)
	s := newScript(t, hostmgr.Config[string]{Policy: p, Cleanup: diary.cleanup, Recorder: &log})
	s.join("a")
	s.clock.Advance(second)
	s.beat("a")
	s.clock.Advance(second + second/4)
	p.askAbout(s, func() { require.NoError(t, s.Leave(context.Background(), "a", 0)) })
	e := diary.departures[0].Evidence
	require.Equal(t, learnedTimeout+second, e.Patience)
	require.EqualValues(t, 1, e.Beats)
	require.Equal(t, second, e.Mean)
	s.Sweep(context.Background())
	for r, err := range flight.Read(&log) {
		require.NoError(t, err)
		if r.Kind == "left" {
			require.Equal(t, hostmgr.Pulse{Interval: second, Mean: second, Beats: 1}, r.Pulse)
			require.Equal(t, learnedTimeout+second, r.Patience)
		}
	}
}

// Of two hosts with one hash the younger announces itself: its own timeout changes.
func TestAnAnnouncementOfATwinIsLearnedOfThatTwin(t *testing.T) {
	p := newSlowPolicy(1 << 60)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	require.NoError(t, s.JoinUnder("younger", hostmgr.Announcement[string]{ID: "elder", Interval: time.Hour}))
	s.join("younger")
	s.clock.Advance(second)
	s.join("younger")
	require.Equal(t, learnedTimeout+second, s.timeout("younger"))
}

// A host that beats like clockwork pauses once, for minutes, and is held meanwhile, or not looked
// at. Its timeout does not double, however much was heard of it before.
func TestOneGapDoesNotPoisonWhatWasLearned(t *testing.T) {
	for _, before := range []int{8, 9, 20, 100, 1000} {
		for _, pause := range []time.Duration{22 * second, 4 * time.Minute, 24 * time.Hour} {
			t.Run(fmt.Sprint(before, " ", pause), func(t *testing.T) {
				s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}})
				s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
				s.pulses("a", before, 10*second)
				old := s.timeout("a")
				s.pulses("a", 1, pause)
				require.Less(t, s.timeout("a"), 2*old)
				s.pulses("a", 64, 10*second)
				require.Less(t, s.timeout("a"), old+old/3)
			})
		}
	}
}

// pulses sends heartbeats in such a distance; no sweep looks in between.
func (s *script) pulses(id string, n int, gap time.Duration) {
	s.t.Helper()
	for range n {
		s.clock.Advance(gap)
		s.beat(id)
	}
}

// A pause right at the beginning counts for little, too.
func TestAnEarlyGapDoesNotPoisonWhatIsLearned(t *testing.T) {
	for before := range 8 {
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}})
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
		s.pulses("a", before, 10*second)
		s.pulses("a", 1, 4*time.Minute)
		s.pulses("a", 8, 10*second)
		require.Less(t, s.timeout("a"), 70*second)
		s.pulses("a", 24, 10*second)
		require.Less(t, s.timeout("a"), 45*second)
	}
}

// A host whose network has become slower for good is learned within some tens of heartbeats.
func TestASlowerNetworkIsLearned(t *testing.T) {
	for _, x := range []struct {
		gap   time.Duration
		beats int
	}{{15 * second, 8}, {18 * second, 10}, {20 * second, 12}, {30 * second, 20}, {60 * second, 30}, {2 * time.Minute, 40}} {
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Adaptive{}})
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * second})
		s.pulses("a", 1000, 10*second)
		require.Less(t, s.timeout("a"), 22*second)
		s.pulses("a", x.beats, x.gap)
		require.Greater(t, s.timeout("a"), 2*x.gap, "%v", x.gap)
	}
}
