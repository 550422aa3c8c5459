package hostmgr_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
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

// A writer that hangs delays only the end of Run. Records that find no room are counted.
func TestARecorderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncLog
		hang := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
			<-hang
			return log.Write(b)
		})})
		require.NoError(t, err)
		stop := run(t, r)
		id := strings.Repeat("\xff", 1000)
		for range 10_000 {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			require.NoError(t, err)
			require.NoError(t, r.Leave(context.Background(), id, 0))
		}
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(3 * second)
		require.Zero(t, r.Len())
		stats := r.Stats()
		require.Greater(t, stats.Recorder.Lost, uint64(10_000))
		require.Less(t, stats.Recorder.Lost, uint64(17_000))
		require.Zero(t, stats.Recorder.Records)
		close(hang)
		synctest.Wait()
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "b", Interval: second})
		require.NoError(t, err)
		stop()
		var last []flight.Record
		lost, read := uint64(0), uint64(0)
		for rec, err := range flight.Read(strings.NewReader(log.String())) {
			require.NoError(t, err)
			last = append(last, rec)
			if lost += rec.Lost; rec.Kind != "lost" && rec.Kind != "begin" {
				read++
			}
		}
		require.Equal(t, r.Stats().Recorder.Lost, lost)
		require.Equal(t, r.Stats().Recorder.Records, read)
		require.EqualValues(t, 20_000+2+1, read+lost)
		require.Equal(t, "b", last[len(last)-1].ID)
	})
}

func TestARecorderThatFails(t *testing.T) {
	for what, fail := range map[string]func() error{
		"fails":              func() error { return errors.New("no space left") },
		"panics":             func() error { panic("on purpose") },
		"ends its goroutine": func() error { runtime.Goexit(); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			var log syncLog
			var failing atomic.Bool
			failing.Store(true)
			r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
				if failing.Load() {
					_, _ = log.Write(b[:7]) // a part of a line
					return 0, fail()
				}
				return log.Write(b)
			})})
			require.NoError(t, err)
			stop := run(t, r)
			for i := range 3 {
				_, err = r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second})
				require.NoError(t, err)
				synctest.Wait()
				require.EqualValues(t, i+1, r.Stats().Recorder.Failures, what)
			}
			failing.Store(false)
			time.Sleep(3 * second)
			require.Zero(t, r.Len(), what)
			stop()
			evicted, lost := 0, uint64(0)
			for rec, err := range flight.Read(strings.NewReader(log.String())) {
				if err == nil && rec.Kind == "evicted" {
					evicted++
				}
				lost += rec.Lost
			}
			require.Equal(t, 3, evicted, "%s: %s", what, log.String())
			require.EqualValues(t, 3, lost)
			require.EqualValues(t, 3, r.Stats().Recorder.Lost)
			require.Contains(t, log.String(), "\nbegin at=0 version=2", "of the first write that succeeds")
		})
	}
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
