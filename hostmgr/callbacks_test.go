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

// A handler does what it likes with each line.
type handler func()

func (h handler) Enabled(context.Context, slog.Level) bool  { h(); return true }
func (h handler) Handle(context.Context, slog.Record) error { return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h handler) WithGroup(string) slog.Handler             { return h }

// A writer is a function.
type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// busy has a host join, and leave, each millisecond, until it is stopped.
func busy(t *testing.T, r *hostmgr.Registry[string]) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
			id := strconv.Itoa(i)
			if _, err := r.Announce(hostmgr.Announcement[string]{ID: id}); err != nil {
				t.Error(err)
			}
			_ = r.Forget(id, 0)
		}
	}()
	return func() { close(end); <-ended }
}

// within tells whether what is begun is over after so much time in the bubble.
func within(d time.Duration, f func()) (over func() bool, wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	over = func() bool {
		select {
		case <-done:
			return true
		case <-time.After(d):
			return false
		}
	}
	return over, func() { <-done }
}

// A logger that blocks on its first line, as on a pipe that nothing reads, stops no sweep, no
// cleanup and no Confirm, and keeps Run no longer than a second when its context has ended
// (etcd-io/etcd#22326).
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
		require.Zero(t, r.Stats().CleanupPending)
		require.Equal(t, [2]int{20, 20}, [2]int{confirmed, cleaned})
		cancel()
		require.True(t, over(), "Run waits for the logger")
		close(open)
		wait()
		synctest.Wait()
	})
}

// The lines that a logger that blocks is not told are counted.
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

// A logger that panics, or ends its goroutine, does not end the process, whichever goroutine
// there is something to log on.
func TestALoggerThatFails(t *testing.T) {
	for name, fail := range map[string]func(){"panics": func() { panic("oops") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines atomic.Int64
				once := true
				r, err := hostmgr.New(hostmgr.Config[string]{
					Logger:   slog.New(handler(func() { lines.Add(1); fail() })),
					Recorder: writer(func([]byte) (int, error) { return 0, errNotNow }),
					Policy:   policyFunc(func(hostmgr.Pulse) (time.Duration, time.Duration) { panic("oops") }),
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
				require.Equal(t, 1, r.Stats().CleanupPending)
				stop()
				require.Greater(t, lines.Load(), int64(4), "policy, recorder, Confirm, cleanups")
				require.EqualValues(t, lines.Load(), r.Stats().LogLinesLost)
			})
		})
	}
}

// Driven by hand, a Sweep hands over the records that are there when it has evicted, by one
// Write: it ends though records come faster than they are written.
func TestASlowRecorderDoesNotKeepASweep(t *testing.T) {
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

// A Write that makes records itself, and sweeps, does not keep a Sweep either.
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

// Under Run hosts are evicted in time though the recorder is slower than the records come, and
// Run ends when its context does.
func TestRunEndsThoughItsRecorderIsSlow(t *testing.T) {
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

// When Run ends it gives a Write that hangs a second, and the next Run is not kept by it.
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
		require.Zero(t, r.Stats().RecordsLost)
	})
}

// A recorder that fails at each record, as on a full disk, is logged once a second and counted
// each time.
func TestFailuresOfTheRecorderAreLoggedOnceASecond(t *testing.T) {
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
		require.Greater(t, r.Stats().RecorderFailures, uint64(5000))
		require.Equal(t, 10, strings.Count(said.String(), "\n"))
		require.Contains(t, said.String(), "the flight recorder failed")
	})
}

// exits ends the goroutine that prints it.
type exits struct{}

func (exits) Error() string  { runtime.Goexit(); return "" }
func (exits) String() string { runtime.Goexit(); return "" }

// What a callback panics with, or returns, may do as it likes when it is printed: the cleanup is
// repeated, and what failed is counted.
func TestFailuresThatCannotBePrinted(t *testing.T) {
	for name, fail := range map[string]func() error{
		"panics":  func() error { panic(exits{}) },
		"returns": func() error { return exits{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked, cleaned, wrote int
				logger, _ := logs()
				r, err := hostmgr.New(hostmgr.Config[string]{
					Logger: logger,
					Cleanup: func(context.Context, hostmgr.Departure[string]) error {
						if cleaned++; cleaned == 1 {
							return fail()
						}
						return nil
					},
					Confirm: func(_ context.Context, due hosts) (hosts, error) {
						if asked++; asked == 1 {
							return nil, fail()
						}
						return due, nil
					},
					Recorder: writer(func(b []byte) (int, error) {
						if wrote++; wrote == 1 {
							return 0, fail()
						}
						return len(b), nil
					}),
				})
				require.NoError(t, err)
				stop := run(t, r)
				_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Second})
				require.NoError(t, err)
				time.Sleep(10 * time.Second)
				stop()
				s := r.Stats()
				require.Zero(t, s.Hosts)
				require.Zero(t, s.CleanupPending)
				require.Equal(t, [3]uint64{1, 1, 1}, [3]uint64{s.CleanupFailures, s.ConfirmFailures, s.RecorderFailures})
			})
		})
	}
}

// When Run ends, a cleanup that heeds its context, and sweeps with another one, begins no cleanup
// that heeds none.
func TestRunEndsThoughACleanupSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *hostmgr.Registry[string]
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{CleanupWorkers: 1, Cleanup: func(ctx context.Context, _ hostmgr.Departure[string]) error {
			select {
			case <-ctx.Done():
				r.Sweep(context.Background())
				return ctx.Err()
			case <-open:
				return nil
			}
		}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		over, wait := within(time.Second, func() { require.NoError(t, r.Run(ctx)) })
		for _, id := range []string{"a", "b"} {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
			go func() { _ = r.Leave(ctx, id, 0) }()
			synctest.Wait()
		}
		cancel()
		if !over() {
			t.Error("Run does not end")
		}
		close(open)
		wait()
	})
}

// Driven by hand, a cleanup that hangs keeps those of others for 10 s at most.
func TestACleanupThatHangsKeepsOthersForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Host.ID == "hangs" {
				<-open
			}
			return nil
		}})
		require.NoError(t, err)
		join := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Second})
			require.NoError(t, err)
		}
		join("hangs")
		time.Sleep(3 * time.Second)
		go r.Sweep(t.Context())
		synctest.Wait()
		join("other")
		time.Sleep(3 * time.Second)
		require.Zero(t, r.Sweep(t.Context()).Cleaned)
		time.Sleep(7 * time.Second)
		require.Equal(t, 1, r.Sweep(t.Context()).Cleaned)
		close(open)
		synctest.Wait()
		require.Zero(t, r.Stats().CleanupPending)
	})
}
