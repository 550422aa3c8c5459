package hostmgr_test

import (
	"context"
	"errors"
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

// A lineHandler calls itself with each line.
type lineHandler func(slog.Record) error

func (h lineHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h lineHandler) Handle(_ context.Context, l slog.Record) error { return h(l) }

func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h lineHandler) WithGroup(string) slog.Handler { return h }

// both returns a logger of two handlers.
func both(a, b slog.Handler) *slog.Logger {
	return slog.New(lineHandler(func(l slog.Record) error {
		return errors.Join(a.Handle(context.Background(), l), b.Handle(context.Background(), l))
	}))
}

// more returns how many other lines a line stands for.
func more(l slog.Record) (n uint64) {
	l.Attrs(func(a slog.Attr) bool {
		if a.Key == "more" {
			n = a.Value.Uint64()
		}
		return true
	})
	return n
}

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
			Logger: slog.New(handler(func() { <-open })),
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Attempt == 1 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		for i := range 1500 {
			time.Sleep(10 * time.Second) // of one message there is a line every 10 s
			_, err = r.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i)})
			require.NoError(t, err)
			_ = r.Leave(t.Context(), strconv.Itoa(i), 0)
		}
		synctest.Wait()
		require.GreaterOrEqual(t, r.Stats().LogLinesLost, uint64(1500-1025))
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
				var lines, told atomic.Int64
				once := true
				r, err := hostmgr.New(hostmgr.Config[string]{
					Logger: slog.New(lineHandler(func(l slog.Record) error {
						lines.Add(1)
						told.Add(1 + int64(more(l)))
						fail()
						return nil
					})),
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
				require.EqualValues(t, told.Load(), r.Stats().LogLinesLost, "with the lines that they stood for")
			})
		})
	}
}
