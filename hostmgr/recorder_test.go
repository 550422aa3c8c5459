package hostmgr_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A syncLog is a log that may be read while it is written.
type syncLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *syncLog) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

func (t *syncLog) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// A writeFunc is a function as an io.Writer.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

func TestTheRecorderWritesAtOnceUnderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncLog
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: &log})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		synctest.Wait()
		require.Contains(t, log.String(), "\njoined at=0 id=\"a\"")
		for range 100 {
			time.Sleep(second / 2)
			_, err = r.Heartbeat("a", 0)
			require.NoError(t, err)
		}
		require.Equal(t, 3, strings.Count(log.String(), "\n"), "on time")
		time.Sleep(3 * second)
		synctest.Wait()
		require.Contains(t, log.String(), "\nevicted at=52000000001 id=\"a\"")
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "b"})
		require.NoError(t, err)
		stop()
		require.Contains(t, log.String(), "\njoined at=53000000000 id=\"b\"", "what was left is written before Run returns")
	})
}

func TestWithoutARecorderNothingIsRecorded(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.after(3 * second)
	require.Zero(t, s.Stats().Recorder.Records)
	s = newScript(t, hostmgr.Config[string]{Recorder: io.Discard})
	s.join("a")
	s.after(3 * second)
	require.EqualValues(t, 2, s.Stats().Recorder.Records)
}
