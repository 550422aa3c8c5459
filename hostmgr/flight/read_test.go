package flight_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// All whole lines are read, wherever the log was cut off.
func TestATruncatedLog(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a", second)
	s.after(3 * second)
	s.join("b", second)
	whole := s.records()
	log := s.log.String()
	for n := range len(log) {
		cut := log[:n]
		complete := max(0, strings.Count(cut, "\n")-1) // the first line is empty
		var got []flight.Record
		var err error
		for r, e := range flight.Read(strings.NewReader(cut)) {
			if err = e; e == nil {
				got = append(got, r)
			}
		}
		require.Equal(t, len(whole[:complete]), len(got))
		if strings.HasSuffix(cut, "\n") || n == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, flight.ErrTruncated)
		}
	}
}

func TestHostileLogs(t *testing.T) {
	for what, x := range map[string]struct {
		log     string
		records int
		says    string
	}{
		"nothing":           {"", 0, ""},
		"no kind":           {"\n", 0, "no kind"},
		"an older version":  {"begin at=0 version=1 start=0\njoined at=1\n", 0, "version 1"},
		"a future version":  {"begin at=0 version=3 start=0\njoined at=1\nbegin at=0 version=2 start=0\njoined at=1\n", 2, "version 3"},
		"no version":        {"begin at=0\n", 0, "version 0"},
		"no time":           {"joined id=\"a\"\n", 0, "no time"},
		"binary":            {"\x00\x01=\xff\n", 0, "line 1"},
		"no value":          {"joined at\n", 0, "a field without key or value"},
		"a huge number":     {"joined at=99999999999999999999\n", 0, "out of range"},
		"a number too far":  {"joined at=9000000000000000000\n", 0, "beyond 146 years"},
		"a negative time":   {"joined at=-1\n", 0, "negative"},
		"an open string":    {"joined at=1 id=\"a\n", 0, "invalid syntax"},
		"no space":          {"joined at=1 id=\"a\"registration=2\n", 0, "no space"},
		"contact later":     {"late at=1 id=\"a\" interval=1 last-contact=2\n", 0, "a silence without id"},
		"no interval":       {"late at=1 id=\"a\" last-contact=0\n", 0, "a silence without id"},
		"an empty stall":    {"stall at=1 from=1 limit=1\n", 0, "a stall without"},
		"a long line":       {"joined at=1 id=\"" + strings.Repeat("x", 1<<20) + "\"\njoined at=1\n", 1, "longer than 64 KiB"},
		"only a long line":  {strings.Repeat("x", 1<<20), 0, "longer than 64 KiB"},
		"unknown key, kind": {"joined at=1 new=1 newer=\"x\"\nnewest at=1\n", 2, ""},
		"one bad of three":  {"joined at=1\nnonsense\njoined at=2\n", 2, "no time"},
	} {
		var errs []error
		records := 0
		log := strings.ReplaceAll(strings.ReplaceAll(x.log, "\r\n", "\n"), "\n", ";\n")
		for _, err := range flight.Read(strings.NewReader(log)) {
			if err != nil {
				errs = append(errs, err)
			} else {
				records++
			}
		}
		require.Equal(t, x.records, records, what)
		if x.says == "" {
			require.Empty(t, errs, what)
		} else {
			require.ErrorContains(t, errors.Join(errs...), x.says, what)
		}
	}
}

// A file holds the logs of two processes; another file lacks its begin.
func TestSeveralLogs(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: second})
	s.join("a", second)
	s.after(2 * second) // a stall, which the other process did not have
	for range 5 {
		s.after(second)
	}
	require.Zero(t, s.Len())
	other := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}})
	other.join("a", second)
	other.after(3 * second)
	other.records()
	s.records()
	both := s.log.String() + other.log.String()
	n := 0
	for v, err := range flight.Replay(flight.Read(strings.NewReader(both)), hostmgr.Fixed(60)) {
		require.NoError(t, err)
		require.Equal(t, "would have been due 58s later", v.Change, "a join in another process does not count")
		n++
	}
	require.Equal(t, 1, n)
	_, tail, _ := strings.Cut(s.log.String()[1:], "\n")
	for v, err := range flight.Replay(flight.Read(strings.NewReader(tail)), hostmgr.Fixed(2)) {
		require.NoError(t, err)
		require.Empty(t, v.Change)
	}
}
