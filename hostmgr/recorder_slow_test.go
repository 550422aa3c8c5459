package hostmgr_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A writer calls itself for each Write.
type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// Driven by hand, a Sweep writes the records that wait after its evictions, in one Write. So it
// ends although records come faster than they are written.
func TestASlowRecorderDoesNotPreventTheEndOfASweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writer(func(b []byte) (int, error) {
			time.Sleep(20 * time.Millisecond)
			return len(b), nil
		})})
		require.NoError(t, err)
		quiet := busy(t, r)
		time.Sleep(time.Second)
		over, wait := within(time.Minute, func() { r.Sweep(t.Context()) })
		require.True(t, over(), "Sweep is kept by the recorder")
		quiet()
		wait()
	})
}

// The same holds for a Write that causes records itself, and sweeps.
func TestARecorderThatCallsTheRegistry(t *testing.T) {
	writes := 0
	var s *script
	s = newScript(t, hostmgr.Config[string]{Recorder: writer(func(b []byte) (int, error) {
		if writes++; writes < 1000 {
			s.join("w" + strconv.Itoa(writes))
			s.Sweep(context.Background())
		}
		return len(b), nil
	})})
	s.join("a")
	for i := range 3 {
		s.Sweep(context.Background())
		require.Equal(t, i+1, writes, "one Write a Sweep")
	}
}

// The recorder is slower than the records come. Under Run hosts are evicted in time, and Run ends
// when its context does.
func TestRunEndsAlthoughItsRecorderIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writer(func(b []byte) (int, error) {
			time.Sleep(20 * time.Millisecond)
			return len(b), nil
		})})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		over, wait := within(1001*time.Millisecond, func() { require.NoError(t, r.Run(ctx)) })
		quiet := busy(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "dead", Interval: 100 * time.Millisecond})
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, there := r.Get("dead")
		require.False(t, there)
		cancel()
		require.True(t, over(), "Run is kept by the recorder")
		quiet()
		wait()
	})
}

// At its end Run waits a second for a Write that hangs. The next Run does not wait for it.
func TestRunLeavesBehindAWriteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		var wrote atomic.Int64
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writer(func(b []byte) (int, error) {
			<-open
			wrote.Add(1)
			return len(b), nil
		})})
		require.NoError(t, err)
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			over, wait := within(1001*time.Millisecond, func() { require.NoError(t, r.Run(ctx)) })
			_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 100 * time.Millisecond})
			require.NoError(t, err)
			time.Sleep(time.Second)
			require.Zero(t, r.Len())
			cancel()
			if !over() {
				t.Error("Run waits for the Write")
				close(open)
				wait()
				return
			}
		}
		close(open)
		synctest.Wait()
		require.Positive(t, wrote.Load())
		require.Zero(t, r.Stats().Recorder.Lost)
	})
}

// A recorder fails at each record, as on a full disk. Each failure is counted, but few have a line.
func TestFailuresOfTheRecorderAreSummarised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, said := logs()
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:   logger,
			Recorder: writer(func([]byte) (int, error) { return 0, errNotNow }),
		})
		require.NoError(t, err)
		stop := run(t, r)
		quiet := busy(t, r)
		time.Sleep(9500 * time.Millisecond)
		quiet()
		stop()
		require.Greater(t, r.Stats().Recorder.Failures, uint64(5000))
		require.Equal(t, 5, strings.Count(said.String(), "\n"), "at 0, 1, 3 and 7 s, and at the end")
		require.Contains(t, said.String(), "the flight recorder failed")
	})
}
