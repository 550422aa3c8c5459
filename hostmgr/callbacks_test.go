package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// busy lets a host join and leave each millisecond, until stop is called.
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

// within starts f and lets d pass in the bubble. Then over reports whether f has returned.
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

// exits is an error that ends the goroutine that prints it.
type exits struct{}

func (exits) Error() string { runtime.Goexit(); return "" }

func (exits) String() string { runtime.Goexit(); return "" }

// The error or panic value of a callback fails when it is printed. The cleanup is repeated all the
// same, and the failure is counted.
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
				require.Zero(t, s.Cleanup.Pending)
				require.Equal(t, [3]uint64{1, 1, 1}, [3]uint64{s.Cleanup.Failures, s.ConfirmFailures, s.Recorder.Failures})
			})
		})
	}
}

// One cleanup returns when its context ends, then sweeps with another context. That sweep does not
// begin the other cleanup, which ignores its context.
func TestRunEndsAlthoughACleanupSweeps(t *testing.T) {
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
		over, wait := within(time.Second, func() { require.ErrorIs(t, r.Run(ctx), hostmgr.ErrCleanupPending) })
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
