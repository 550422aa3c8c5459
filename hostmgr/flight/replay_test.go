package flight_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// replay replays a log, which may leave out the semicolons.
func replay(log string, p hostmgr.Policy) (verdicts []flight.Verdict, errs []error) {
	if !strings.Contains(log, ";\n") {
		log = strings.ReplaceAll(log, "\n", ";\n")
	}
	for v, err := range flight.Replay(flight.Read(strings.NewReader(log)), p) {
		if err != nil {
			errs = append(errs, err)
		} else {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, errs
}

// A stall at the start of Run does not affect a host that is late a year later.
func TestAStallLongAgo(t *testing.T) {
	log := "begin at=0 version=2 start=0\nstall at=10000000000 from=9000000000 limit=500000000\n"
	at := int64(365 * 24 * time.Hour)
	log += fmt.Sprintf("late at=%d id=\"a\" registration=1 interval=10000000000 last-contact=%d timeout=20000000000\n", at, at-16e9)
	verdicts, errs := replay(log, hostmgr.Fixed(2))
	require.Empty(t, errs)
	require.Len(t, verdicts, 1)
	require.Empty(t, verdicts[0].Change)
}

// A silence lasts for days and contains stalls: the time between them is not played.
func TestASilenceOfDays(t *testing.T) {
	var log strings.Builder
	log.WriteString("begin at=0 version=2 start=0\n")
	at := int64(0)
	for range 100 {
		at += 900_000 * 10_000_000
		_, _ = fmt.Fprintf(&log, "stall at=%d from=%d limit=10000000\n", at+20_000_000, at)
		at += 20_000_000
	}
	_, _ = fmt.Fprintf(&log, "late at=%d id=\"a\" interval=10000000000 last-contact=0\n", at+1)
	verdicts, errs := replay(log.String(), hostmgr.Fixed(1e9))
	require.Empty(t, errs)
	require.Empty(t, verdicts[0].Change)
	verdicts, errs = replay(log.String(), hostmgr.Fixed(2))
	require.Empty(t, errs)
	require.Equal(t, 20*second, verdicts[0].Due.Sub(verdicts[0].LastContact))
}

// The cost of a line depends on the number of stalls, not on the length of its silence.
func TestALongSilenceCostsLittle(t *testing.T) {
	log := "begin version=2 start=5 at=0\nstall at=171000000000000 from=170000000000000 limit=1\n"
	late := "late at=172000000000000 id=\"a\" interval=86400000000000 last-contact=2\n"
	began := time.Now()
	verdicts, errs := replay(log+strings.Repeat(late, 100), hostmgr.Fixed(2))
	require.Empty(t, errs)
	require.Len(t, verdicts, 100)
	require.Less(t, time.Since(began), 5*second, "a registry that is swept at each limit takes half a second a line")
}

// The process was paused. A heartbeat came before the sweep that found the stall; so the heartbeat is
// recorded before the stall.
func TestAStallRecordedAfterAHeartbeat(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.join("a", second)
	s.after(second / 2)
	s.clock.Advance(time.Minute)
	_, err := s.Heartbeat("a", 0)
	require.NoError(t, err)
	s.after(0)
	s.clock.Advance(time.Minute)
	require.NoError(t, s.Observe("a", 0, 30*second)) // within the stall
	_, err = s.Heartbeat("a", 0)
	require.NoError(t, err)
	s.after(0)
	verdicts := s.replay(hostmgr.Fixed(2))
	require.Len(t, verdicts, 3)
	for _, v := range verdicts {
		require.True(t, v.Record.Due.IsZero(), v)
		require.Empty(t, v.Change, v)
	}
	require.False(t, verdicts[0].StalledSince.IsZero())
}

// A host is evicted twice; the record of the join in between is lost.
func TestTwoEvictionsWithoutAJoin(t *testing.T) {
	log := `begin at=0 version=2 start=0
evicted at=3000000001 id="a" registration=1 interval=1000000000 last-contact=0 timeout=2000000000 due=2000000000
lost at=4000000000 records=1
evicted at=9000000001 id="a" registration=2 interval=1000000000 last-contact=6000000000 timeout=2000000000 due=8000000000
`
	verdicts, errs := replay(log, hostmgr.Fixed(60))
	require.Empty(t, errs)
	require.Len(t, verdicts, 2)
}

// A process was killed while it wrote, and the next one appends to its log.
func TestABeginAfterATruncatedLine(t *testing.T) {
	one, two := newScript(t, hostmgr.Config[string]{}), newScript(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(3)})
	one.join("a", second)
	one.after(3 * second)
	two.join("b", second)
	two.after(4 * second)
	log := one.log.String()
	log = log[:len(log)-3] + two.log.String()
	var policies []string
	for r, err := range flight.Read(strings.NewReader(log)) {
		if err == nil && r.Kind == "begin" {
			policies = append(policies, r.Policy)
		}
	}
	require.Equal(t, []string{"fixed:2", "fixed:3"}, policies)
}

// A log of another version is refused; the records of other logs in the same file are not.
func TestALogOfAnotherVersionIsRefused(t *testing.T) {
	for _, version := range []int{0, 1, 3} {
		log := fmt.Sprintf("begin at=0 version=2 start=0\nstall at=5 from=3 limit=1\nbegin at=0 version=%d start=1000000000000\n", version) +
			"late at=20000000000 id=\"a\" interval=1000000000 last-contact=1000000000\n"
		verdicts, errs := replay(log, hostmgr.Fixed(2))
		require.Empty(t, verdicts)
		require.Len(t, errs, 2)
		for _, err := range errs {
			require.ErrorIs(t, err, flight.ErrLine)
			require.ErrorContains(t, err, fmt.Sprintf("the log has version %d of the format; this package reads version 2", version))
		}
	}
}

func TestPoliciesThatAreNotValid(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a", second)
	s.after(3 * second)
	panics := policyFunc(func(hostmgr.History) (time.Duration, time.Duration) { panic("on purpose") })
	for _, p := range []hostmgr.Policy{
		panics, hostmgr.Fixed(0.5), hostmgr.Tiered{Offline: -second}, hostmgr.PhiAccrual{Threshold: -1}, (*hostmgr.PhiAccrual)(nil),
	} {
		verdicts, errs := replay(s.log.String(), p)
		require.Empty(t, verdicts, "%T", p)
		require.Len(t, errs, 1, "%T", p)
	}
	verdicts, errs := replay(s.log.String(), nil)
	require.Empty(t, errs)
	require.Empty(t, verdicts[0].Change, "Fixed(2)")
}

// The embedder evicted one host within its timeout, and another one after it. A policy that is more
// patient would not have changed that; one that is less patient would have been first. Readers that
// do not know the key read the record as before.
func TestAnEvictionByTheEmbedder(t *testing.T) {
	log := "begin at=0 version=2 start=0\n" +
		"evicted at=15000000000 id=\"a\" interval=10000000000 last-contact=0 timeout=20000000000 judgement=\"disk is dead\"\n" +
		"evicted at=25000000000 id=\"b\" interval=10000000000 last-contact=0 timeout=20000000000 due=20000000000 judgement=\"sold\"\n"
	for policy, changes := range map[hostmgr.Policy][]string{
		hostmgr.Fixed(2):    {"", ""},
		hostmgr.Fixed(3):    {"", "would not have been due"},
		hostmgr.Fixed(1.25): {"would have been evicted 2.5s before", "would have been due 7.5s earlier"},
	} {
		verdicts, errs := replay(log, policy)
		require.Empty(t, errs)
		require.Len(t, verdicts, 2)
		for i, v := range verdicts {
			require.Equal(t, changes[i], v.Change)
		}
		require.Equal(t, "disk is dead", verdicts[0].Judgement)
		require.Contains(t, verdicts[0].String(), "; evicted by the embedder: disk is dead")
	}
}
