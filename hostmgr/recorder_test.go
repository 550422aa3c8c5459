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

// A tape is a log that may be read while it is written.
type tape struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tape) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

func (t *tape) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// A writeFunc is a writer that does as it likes.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

func TestTheRecorderWritesAtOnceUnderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tape
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

// A writer that hangs keeps nobody waiting but Run's end; what finds no room is counted.
func TestARecorderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tape
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
		require.Greater(t, stats.RecordsLost, uint64(10_000))
		require.Less(t, stats.RecordsLost, uint64(17_000))
		require.Zero(t, stats.Records)
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
		require.Equal(t, r.Stats().RecordsLost, lost)
		require.Equal(t, r.Stats().Records, read)
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
			var log tape
			var failing atomic.Bool
			failing.Store(true)
			r, err := hostmgr.New(hostmgr.Config[string]{Recorder: writeFunc(func(b []byte) (int, error) {
				if failing.Load() {
					_, _ = log.Write(b[:7]) // within a line
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
				require.EqualValues(t, i+1, r.Stats().RecorderFailures, what)
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
			require.EqualValues(t, 3, r.Stats().RecordsLost)
			require.Contains(t, log.String(), "\nbegin at=0 version=1", "of the first write that succeeds")
		})
	}
}

func TestWithoutARecorderNothingIsRecorded(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.after(3 * second)
	require.Zero(t, s.Stats().Records)
	s = newScript(t, hostmgr.Config[string]{Recorder: io.Discard})
	s.join("a")
	s.after(3 * second)
	require.EqualValues(t, 2, s.Stats().Records)
}
