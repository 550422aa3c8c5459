package hostmgr_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A hangs is an error that hangs when it is printed.
type hangs struct{ until chan struct{} }

func (e hangs) Error() string { <-e.until; return "" }

// The error of a callback hangs when it is printed. The call that returned it is left behind, as if
// the callback itself hung, and Run ends.
func TestRunEndsAlthoughAnErrorHangs(t *testing.T) {
	for _, name := range []string{"Cleanup", "Confirm"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err, cfg := hangs{make(chan struct{})}, hostmgr.Config[string]{StallThreshold: -1}
				if name == "Cleanup" {
					cfg.Cleanup = func(context.Context, hostmgr.Departure[string]) error { return err }
				} else {
					cfg.Confirm = func(context.Context, hosts) (hosts, error) { return nil, err }
				}
				r, failure := hostmgr.New(cfg)
				require.NoError(t, failure)
				stop := run(t, r)
				joins(t, r, "a")
				time.Sleep(50 * second)
				s := r.Stats()
				require.Positive(t, s.Cleanup.LeftBehind+s.Confirm.LeftBehind)
				over, wait := within(11*second, stop)
				if !over() {
					t.Error("Run does not end")
				}
				close(err.until)
				wait()
				synctest.Wait()
			})
		})
	}
}

// A Leave returns the error of its cleanup.
func TestLeaveReturnsTheErrorOfItsCleanup(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow }})
	s.join("a")
	err := s.Leave(t.Context(), "a", 0)
	require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
	require.ErrorIs(t, err, errNotNow)
	require.ErrorContains(t, err, errNotNow.Error())
}
