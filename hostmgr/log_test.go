package hostmgr_test

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// logs returns a Logger and its output.
func logs() (*slog.Logger, *strings.Builder) {
	var said strings.Builder
	return slog.New(slog.NewTextHandler(&said, nil)), &said
}

// failures are the ways in which a callback can fail, with the text of each.
var failures = []struct {
	fail func() error
	says string
}{
	{func() error { return errNotNow }, `err="not now"`},
	{func() error { panic("oops") }, `err="WHAT panicked: oops\ngoroutine `},
	{func() error { runtime.Goexit(); return nil }, `err="WHAT ended its goroutine"`},
}

// aside sweeps on another goroutine, which a callback may end.
func (s *script) aside() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Sweep(context.Background())
	}()
	<-done
}

func TestACleanupThatFailsIsLogged(t *testing.T) {
	for _, row := range failures {
		logger, said := logs()
		s := newScript(t, hostmgr.Config[string]{Logger: logger, Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt < 3 {
				return row.fail()
			}
			return nil
		}})
		s.join("b")
		registration := strconv.FormatUint(s.join("a").Registration, 10)
		s.clock.Advance(2 * second)
		s.heartbeat("b")
		s.clock.Advance(1)
		for range 3 {
			s.aside()
			s.clock.Advance(time.Minute)
			s.heartbeat("b")
		}
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		require.Len(t, lines, 4)
		require.Contains(t, lines[0], `level=INFO msg="evicted hosts" hosts=1 zones=1 first=a zone="" reason="silent for 2.000001s`)
		require.Contains(t, lines[3], `level=INFO msg="cleanups succeed again" failures=2 after=2m0s`)
		for i, attempt := range []string{"1", "2"} {
			require.Contains(t, lines[1+i], `level=ERROR msg="cleanup failed" host=a registration=`+registration+` kind=evicted attempt=`+attempt+" "+
				strings.ReplaceAll(row.says, "WHAT", "cleanup"))
		}
		require.Zero(t, s.Stats().Cleanup.Pending)
	}
}

func TestAConfirmThatFailsIsLogged(t *testing.T) {
	for _, row := range failures {
		logger, said := logs()
		s := newScript(t, hostmgr.Config[string]{Logger: logger, Confirm: func(_ context.Context, due hosts) (hosts, error) {
			return due, row.fail()
		}})
		s.join("a")
		s.join("b")
		s.join("c")
		s.clock.Advance(2 * second)
		s.heartbeat("c")
		s.clock.Advance(1)
		s.aside()
		require.Contains(t, said.String(), `level=ERROR msg="Confirm failed, its hosts are held" hosts=2 `+
			strings.ReplaceAll(row.says, "WHAT", "Confirm"))
		require.Equal(t, 1, strings.Count(said.String(), "\n"))
		require.Equal(t, 2, s.Stats().Held)
		require.Equal(t, uint64(1), s.Stats().ConfirmFailures)
	}
}

func TestAnInvalidAnswerOfAPolicyIsLogged(t *testing.T) {
	for says, f := range map[string]policyFunc{
		`err="policy panicked: oops\ngoroutine `: func(hostmgr.History) (time.Duration, time.Duration) { panic("oops") },
		`err="timeouts (-1ns, 1h0m0s) for an interval of 5s"`: func(hostmgr.History) (time.Duration, time.Duration) {
			return -1, time.Hour
		},
	} {
		logger, said := logs()
		s := newScript(t, hostmgr.Config[string]{Logger: logger, Policy: f})
		for _, id := range []string{"a", "b"} {
			s.announce(hostmgr.Announcement[string]{ID: id, Interval: 5 * second})
		}
		require.Empty(t, said.String(), "an Announce does not wait for the logger")
		s.after(0)
		require.Contains(t, said.String(), `level=ERROR msg="invalid policy answer, using Fixed(2) instead" policy=hostmgr_test.policyFunc interval=5s `+says)
		require.Equal(t, 1, strings.Count(said.String(), "\n"), "once for all hosts of an interval")
		require.Equal(t, uint64(1), s.Stats().PolicyErrors)
		s.join("c")
		require.Equal(t, uint64(2), s.Stats().PolicyErrors)
		require.Equal(t, 10*second, s.get("a").EvictAt.Sub(s.get("a").LastContact))
	}
}

// Of a success there is no line but that about the eviction.
func TestSuccessIsNotLogged(t *testing.T) {
	logger, said := logs()
	var d cleanupLog
	s := newScript(t, hostmgr.Config[string]{Logger: logger, Cleanup: d.cleanup, Confirm: func(_ context.Context, due hosts) (hosts, error) {
		return due, nil
	}})
	s.join("a")
	require.Equal(t, 1, s.after(3*second).Cleaned)
	require.Equal(t, 1, strings.Count(said.String(), "\n"))
	require.Contains(t, said.String(), "evicted hosts")
}
