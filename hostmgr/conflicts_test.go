package hostmgr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Two machines with one id announce alternately, without a speaker. Each announce from the
// second flip on is counted and logged, whatever the time from one to the other.
func TestAnnouncesThatContradictEachOtherAreCounted(t *testing.T) {
	for _, after := range []time.Duration{50, 100, 300, 500, 700, 900, 950} {
		for _, field := range []string{"metadata", "zone", "interval"} {
			logger, said := logs()
			s := newScript(t, hostmgr.Config[string]{Logger: logger})
			say := func(who string) {
				a := hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 7}
				switch {
				case field == "metadata":
					a.Metadata = who
				case field == "zone":
					a.Zone = who
				case who == "second":
					a.Interval += second / 100
				}
				s.announce(a)
			}
			say("first")
			for range 120 {
				s.after(after * time.Millisecond)
				say("second")
				s.after(second - after*time.Millisecond)
				say("first")
			}
			counted := s.Stats().Conflicts
			require.LessOrEqual(t, counted, uint64(239), "not the first flip")
			require.GreaterOrEqual(t, counted, uint64(236), "%s after %v", field, after)
			s.after(0)
			require.Contains(t, said.String(), "host=a")
		}
	}
}

// What one host sends is no conflict.
func TestOneHostIsNoConflict(t *testing.T) {
	n := 0
	change := func() string { n++; return fmt.Sprint(n) }
	for name, script := range map[string]func(*script, func(string)){
		"each announce has other metadata": func(s *script, say func(string)) {
			for range 100 {
				s.after(second)
				say(change())
			}
		},
		"and comes a little early": func(s *script, say func(string)) {
			for range 100 {
				s.after(second * 3 / 4)
				say(change())
			}
		},
		"one early update": func(s *script, say func(string)) {
			s.after(second)
			say("x")
			s.after(second / 10)
			say("y")
			s.after(second * 9 / 10)
			say("y")
		},
		"an early update now and then": func(s *script, say func(string)) {
			for range 100 {
				x := change()
				say(x)
				s.after(second)
				say(x)
				s.after(second / 2)
			}
		},
		"the same, often": func(s *script, say func(string)) {
			for range 100 {
				s.after(second / 10)
				say("x")
			}
		},
		"heartbeats in between": func(s *script, say func(string)) {
			for range 100 {
				say(change())
				for range 10 {
					s.after(second / 10)
					s.heartbeat("a")
				}
			}
		},
		"a speaker that changes itself": func(s *script, say func(string)) {
			for range 100 {
				s.after(second / 10)
				s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Speaker: "me", Metadata: change()})
			}
		},
	} {
		s := newScript(t, hostmgr.Config[string]{})
		say := func(metadata string) {
			s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Metadata: metadata})
		}
		say("x")
		script(s, say)
		require.Zero(t, s.Stats().Conflicts, name)
	}
}

// plain is metadata of arrays, structs, strings and numbers. It is hardly smaller than large metadata.
type plain [2]struct {
	Address [4]byte
	Port    uint16
	Name    string
	Load    float64
	Data    [460]byte
}

// The registry compares only metadata that it can compare safely and cheaply.
func TestWhichMetadataIsCompared(t *testing.T) {
	require.EqualValues(t, 9, contradictions(t, plain{{Name: "a"}}, plain{{Name: "b"}}))
	require.EqualValues(t, 9, contradictions(t, plain{1: {Port: 1}}, plain{1: {Port: 2}}))
	require.EqualValues(t, 9, contradictions(t, strings.Repeat("x", 5000), strings.Repeat("x", 4999)+"y"))
	require.Zero(t, contradictions(t, plain{{Name: "a"}}, plain{{Name: "a"}}))
	require.Zero(t, contradictions(t, &[1 << 10]byte{}, &[1 << 10]byte{}), "another pointer says nothing")
	require.Zero(t, contradictions(t, []int{1}, []int{2}))
	require.Zero(t, contradictions(t, map[string]string{"a": "1"}, nil))
	require.Zero(t, contradictions[any](t, []int{1}, []int{2}))
	require.Zero(t, contradictions[any](t, 1, 2))
	require.Zero(t, contradictions(t, struct{ any }{[]int{1}}, struct{ any }{[]int{2}}))
	require.Zero(t, contradictions(t, struct{ any }{1}, struct{ any }{2}))
	require.Zero(t, contradictions(t, struct{ any }{func() {}}, struct{ any }{func() {}}))
	require.Zero(t, contradictions(t, large{1}, large{2}))
}

// contradictions lets two machines announce alternately, and returns how many conflicts were
// counted.
func contradictions[M any](t *testing.T, one, other M) uint64 {
	r, err := hostmgr.New(hostmgr.Config[M]{})
	require.NoError(t, err)
	for i := range 11 {
		a := hostmgr.Announcement[M]{ID: "a", Metadata: one, Interval: time.Hour}
		if i%2 == 1 {
			a.Metadata = other
		}
		_, err = r.Announce(a)
		require.NoError(t, err)
	}
	return r.Stats().Conflicts
}

func TestComparingMetadataDoesNotAllocate(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[plain]{})
	require.NoError(t, err)
	a := hostmgr.Announcement[plain]{ID: "a", Interval: time.Hour}
	announce := func() {
		_, _ = r.Announce(a)
	}
	announce()
	require.Zero(t, testing.AllocsPerRun(100, announce))
}

// Changes of many hosts are remembered in bounded memory, which is released.
func TestMemoryOfChangesIsReleased(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 6_000 {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Interval: time.Hour})
	}
	s.after(0)
	before := heap()
	for i := range 6_000 {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Interval: time.Hour, Metadata: "x"})
	}
	require.Less(t, heap()-before, int64(1<<20))
	s.announce(hostmgr.Announcement[string]{ID: "5999", Interval: time.Hour, Metadata: "y"})
	require.EqualValues(t, 1, s.Stats().Conflicts, "the latest is remembered")
	for range 5 {
		s.clock.Advance(30 * time.Minute)
		for i := range 6_000 {
			s.heartbeat(fmt.Sprint(i))
		}
		s.after(0)
	}
	require.Less(t, heap()-before, int64(100_000))
}
