package hostmgr_test

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A handler calls itself for each line.
type handler func()

func (h handler) Enabled(context.Context, slog.Level) bool { h(); return true }

func (h handler) Handle(context.Context, slog.Record) error { return nil }

func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h handler) WithGroup(string) slog.Handler { return h }

// A logger blocks on its first line, as on a pipe without a reader. It stops no sweep, no cleanup
// and no Confirm, and delays the end of Run by at most a second (etcd-io/etcd#22326).
func TestALoggerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		confirmed, cleaned := 0, 0
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:   slog.New(handler(func() { <-open })),
			Recorder: writer(func([]byte) (int, error) { return 0, errNotNow }),
			Cleanup: func(context.Context, hostmgr.Departure[string]) error {
				if cleaned++; cleaned%2 == 1 {
					return errNotNow
				}
				return nil
			},
			Confirm: func(_ context.Context, due hosts) (hosts, error) {
				if confirmed++; confirmed%2 == 1 {
					return nil, errNotNow
				}
				return due, nil
			},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		over, wait := within(1001*time.Millisecond, func() { require.NoError(t, r.Run(ctx)) })
		for i := range 10 {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: 100 * time.Millisecond})
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
		}
		require.Zero(t, r.Len())
		require.Zero(t, r.Stats().Cleanup.Pending)
		require.Equal(t, [2]int{20, 20}, [2]int{confirmed, cleaned})
		cancel()
		require.True(t, over(), "Run waits for the logger")
		close(open)
		wait()
		synctest.Wait()
	})
}

// Lines that find no room because the logger blocks are counted.
func TestLinesThatFindNoRoomAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{
			Logger:  slog.New(handler(func() { <-open })),
			Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 3000 {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i)})
			require.NoError(t, err)
			_ = r.Leave(t.Context(), strconv.Itoa(i), 0)
		}
		synctest.Wait()
		require.GreaterOrEqual(t, r.Stats().LogLinesLost, uint64(3000-1025))
		close(open)
		stop()
	})
}

// A logger that panics, or ends its goroutine, does not end the process, on whichever goroutine the
// line is logged.
func TestALoggerThatFails(t *testing.T) {
	for name, fail := range map[string]func(){"panics": func() { panic("oops") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines atomic.Int64
				once := true
				r, err := hostmgr.New(hostmgr.Config[string]{
					Logger:   slog.New(handler(func() { lines.Add(1); fail() })),
					Recorder: writer(func([]byte) (int, error) { return 0, errNotNow }),
					Policy:   policyFunc(func(hostmgr.History) (time.Duration, time.Duration) { panic("oops") }),
					Cleanup:  func(context.Context, hostmgr.Departure[string]) error { return errNotNow },
					Confirm: func(_ context.Context, due hosts) (hosts, error) {
						if once {
							once = false
							return nil, errNotNow
						}
						return due, nil
					},
				})
				require.NoError(t, err)
				stop := run(t, r)
				_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
				require.NoError(t, err)
				time.Sleep(10 * time.Second)
				require.Zero(t, r.Len())
				require.Equal(t, 1, r.Stats().Cleanup.Pending)
				stop()
				require.Greater(t, lines.Load(), int64(4), "policy, recorder, Confirm, cleanups")
				require.EqualValues(t, lines.Load(), r.Stats().LogLinesLost)
			})
		})
	}
}
