package hostmgr_test

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// drive sweeps each second for half a minute, as a periodic task does. Each second a host joins,
// which dies at once. It returns the number of sweeps.
func drive(t *testing.T, r *hostmgr.Registry[string]) (sweeps int) {
	t.Helper()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(time.Second); ; sweeps++ {
			select {
			case <-tick.C:
				_ = r.RunGC(t.Context())
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	for i := range 30 {
		_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Second})
		require.NoError(t, err)
		time.Sleep(time.Second)
	}
	time.Sleep(5500 * time.Millisecond)
	close(stop)
	<-ended
	return sweeps
}

// writing returns whether a goroutine writes lines or records.
func writing() bool {
	stacks := make([]byte, 1<<20)
	all := string(stacks[:runtime.Stack(stacks, true)])
	return strings.Contains(all, "asynclog.(*Log)") || strings.Contains(all, "eventlog.(*Log)")
}

// A handler blocks on its first line. The sweeps go on: one of them waits for a second. Lines wait,
// and those that find no room are counted (etcd-io/etcd#22326).
func TestALoggerThatBlocksHoldsUpNoSweepByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:  slog.New(handler(func() { <-open })),
			Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
		})
		require.NoError(t, err)
		sweeps := drive(t, r)
		require.Zero(t, r.Len())
		require.EqualValues(t, 30, r.Stats().Departures.Evicted)
		require.GreaterOrEqual(t, sweeps, 34, "one of 35 ticks may be dropped")
		begun := time.Now()
		r.Sweep(t.Context())
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "leaves"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Leave(t.Context(), "leaves", 0), hostmgr.ErrCleanupPending)
		require.Equal(t, begun, time.Now(), "neither of them waits again")
		for range 1500 {
			time.Sleep(10 * time.Second) // of one message there is a line every 10 s
			r.Sweep(t.Context())
		}
		require.Positive(t, r.Stats().LogLinesLost)
		close(open)
		synctest.Wait()
	})
}

func TestARecorderThatHangsHoldsUpNoSweepByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tally
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:   log.logger(),
			Recorder: writer(func(b []byte) (int, error) { <-open; return len(b), nil }),
		})
		require.NoError(t, err)
		sweeps := drive(t, r)
		require.Zero(t, r.Len())
		require.GreaterOrEqual(t, sweeps, 34, "one of 35 ticks may be dropped")
		lines, _ := log.of("the flight recorder hangs, and is left behind")
		require.Equal(t, 1, lines)
		begun := time.Now()
		r.Sweep(t.Context())
		require.Equal(t, begun, time.Now())
		close(open)
		synctest.Wait()
		r.Sweep(t.Context())
		require.EqualValues(t, 60, r.Stats().Recorder.Records, "none is lost")
		require.Zero(t, r.Stats().Recorder.Lost)
	})
}

// Without a line or a record Sweep starts no goroutine. With them, they are written when Sweep and
// Leave return, and no goroutine remains.
func TestLinesAndRecordsAreWrittenWhenASweepReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, said := logs()
		var wrote strings.Builder
		fails := true
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger: logger, Recorder: &wrote,
			Cleanup: func(context.Context, hostmgr.Departure[string]) error {
				if fails {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		for i := range 20 {
			id := strconv.Itoa(i)
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Second})
			require.NoError(t, err)
			time.Sleep(3 * time.Second)
			r.Sweep(t.Context())
			require.Contains(t, said.String(), "host="+id)
			require.Contains(t, wrote.String(), `evicted at=`)
			require.Contains(t, wrote.String(), `id="`+id+`"`)
			synctest.Wait()
			require.False(t, writing())
			said.Reset()
			wrote.Reset()
			fails = !fails
			time.Sleep(time.Minute)
			r.Sweep(t.Context())
			said.Reset()
			fails = true
		}
	})
}

// A handler and a writer that fail, or call the registry, stop no Sweep by hand.
func TestBadLoggersAndRecordersByHand(t *testing.T) {
	var r *hostmgr.Registry[string]
	for name, fail := range map[string]func(){
		"panics": func() { panic("oops") },
		"exits":  runtime.Goexit,
		"sweeps": func() { r.Sweep(context.Background()) },
		"leaves": func() { _ = r.Leave(context.Background(), "stays", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines, writes atomic.Int64
				var err error
				r, err = hostmgr.New(hostmgr.Config[string]{
					Logger:   slog.New(handler(func() { lines.Add(1); fail() })),
					Recorder: writer(func(b []byte) (int, error) { writes.Add(1); fail(); return len(b), nil }),
					Cleanup:  func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
				})
				require.NoError(t, err)
				begun := time.Now()
				for i := range 10 {
					_, err := r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Second})
					require.NoError(t, err)
					time.Sleep(3 * time.Second)
					r.Sweep(t.Context())
				}
				require.Equal(t, 30*time.Second, time.Since(begun), "no Sweep waits")
				require.Zero(t, r.Len())
				require.GreaterOrEqual(t, lines.Load(), int64(10))
				require.GreaterOrEqual(t, writes.Load(), int64(10))
			})
		})
	}
}
