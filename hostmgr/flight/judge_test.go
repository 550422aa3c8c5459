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

// judge judges a log, which may leave out the semicolons.
func judge(log string, p hostmgr.Policy) (verdicts []flight.Verdict, errs []error) {
	if !strings.Contains(log, ";\n") {
		log = strings.ReplaceAll(log, "\n", ";\n")
	}
	for v, err := range flight.Judge(flight.Read(strings.NewReader(log)), p) {
		if err != nil {
			errs = append(errs, err)
		} else {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, errs
}

// Run's stall at the start does not matter to hosts that are late a year after.
func TestAStallLongAgo(t *testing.T) {
	log := "begin at=0 version=1 start=0\nstall at=10000000000 from=9000000000 limit=500000000\n"
	at := int64(365 * 24 * time.Hour)
	log += fmt.Sprintf("late at=%d id=\"a\" life=1 interval=10000000000 seen=%d patience=20000000000\n", at, at-16e9)
	verdicts, errs := judge(log, hostmgr.Multiple(2))
	require.Empty(t, errs)
	require.Len(t, verdicts, 1)
	require.Empty(t, verdicts[0].Change)
}

// Stalls within days of silence: what lies between them is not played.
func TestASilenceOfDays(t *testing.T) {
	var log strings.Builder
	log.WriteString("begin at=0 version=1 start=0\n")
	at := int64(0)
	for range 100 {
		at += 900_000 * 10_000_000
		_, _ = fmt.Fprintf(&log, "stall at=%d from=%d limit=10000000\n", at+20_000_000, at)
		at += 20_000_000
	}
	_, _ = fmt.Fprintf(&log, "late at=%d id=\"a\" interval=10000000000 seen=0\n", at+1)
	verdicts, errs := judge(log.String(), hostmgr.Multiple(1e9))
	require.Empty(t, errs)
	require.Empty(t, verdicts[0].Change)
	verdicts, errs = judge(log.String(), hostmgr.Multiple(2))
	require.Empty(t, errs)
	require.Equal(t, 20*second, verdicts[0].Due.Sub(verdicts[0].Seen))
}

// A line costs no more than the stalls that are remembered, and no time that it names.
func TestALineThatWouldTakeLong(t *testing.T) {
	log := "begin version=1 start=5 at=0\nstall at=171000000000000 from=170000000000000 limit=1\n"
	late := "late at=172000000000000 id=\"a\" interval=86400000000000 seen=2\n"
	began := time.Now()
	verdicts, errs := judge(log+strings.Repeat(late, 100), hostmgr.Multiple(2))
	require.Empty(t, errs)
	require.Len(t, verdicts, 100)
	require.Less(t, time.Since(began), 5*second, "a registry that is swept at each limit takes half a second a line")
}

// The process was suspended; a beat came before the sweep that noticed, and so does its record.
func TestAStallThatFollows(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxGap: second})
	s.join("a", second)
	s.after(second / 2)
	s.clock.Advance(time.Minute)
	_, err := s.Heartbeat("a", 0)
	require.NoError(t, err)
	s.after(0)
	s.clock.Advance(time.Minute)
	require.NoError(t, s.Observe("a", 0, 30*second)) // within it
	_, err = s.Heartbeat("a", 0)
	require.NoError(t, err)
	s.after(0)
	verdicts := s.judge(hostmgr.Multiple(2))
	require.Len(t, verdicts, 3)
	for _, v := range verdicts {
		require.True(t, v.Record.Due.IsZero(), v)
		require.Empty(t, v.Change, v)
	}
	require.False(t, verdicts[0].Deaf.IsZero())
}

// A host is evicted twice, and that it joined in between is lost.
func TestTwoEvictionsWithoutAJoin(t *testing.T) {
	log := `begin at=0 version=1 start=0
evicted at=3000000001 id="a" life=1 interval=1000000000 seen=0 patience=2000000000 due=2000000000
lost at=4000000000 records=1
evicted at=9000000001 id="a" life=2 interval=1000000000 seen=6000000000 patience=2000000000 due=8000000000
`
	verdicts, errs := judge(log, hostmgr.Multiple(60))
	require.Empty(t, errs)
	require.Len(t, verdicts, 2)
}

// A process was killed while it wrote, and the next one appends to its log.
func TestABeginAfterATornLine(t *testing.T) {
	one, two := newScript(t, hostmgr.Config[string]{}), newScript(t, hostmgr.Config[string]{Policy: hostmgr.Multiple(3)})
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

func TestALogOfTheFutureIsNotJudged(t *testing.T) {
	log := "begin at=0 version=1 start=0\nstall at=5 from=3 limit=1\nbegin at=0 version=2 start=1000000000000\n" +
		"late at=20000000000 id=\"a\" interval=1000000000 seen=1000000000\n"
	verdicts, errs := judge(log, hostmgr.Multiple(2))
	require.Empty(t, verdicts)
	require.Len(t, errs, 2)
}

func TestPoliciesThatCannotBeMeantDoNotJudge(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a", second)
	s.after(3 * second)
	panics := policyFunc(func(hostmgr.Pulse) (time.Duration, time.Duration) { panic("on purpose") })
	for _, p := range []hostmgr.Policy{
		panics, hostmgr.Multiple(0.5), hostmgr.Tiered{Offline: -second}, hostmgr.Adaptive{Phi: -1}, (*hostmgr.Adaptive)(nil),
	} {
		verdicts, errs := judge(s.log.String(), p)
		require.Empty(t, verdicts, "%T", p)
		require.Len(t, errs, 1, "%T", p)
	}
	verdicts, errs := judge(s.log.String(), nil)
	require.Empty(t, errs)
	require.Empty(t, verdicts[0].Change, "Multiple(2)")
}
