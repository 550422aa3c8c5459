package hostmgr_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A table is what an embedder keeps for registrations: While adds rows, and Cleanup deletes them.
type table struct {
	*hostmgr.Registry[string]
	t       testing.TB
	cleanup func(d hostmgr.Departure[string]) error // nil: it succeeds

	mu      sync.Mutex // guards all below
	rows    map[uint64]int
	running map[uint64]int // functions
	cleaned []uint64       // registrations
}

func newTable(t testing.TB, cfg hostmgr.Config[string]) *table {
	x := &table{t: t, rows: map[uint64]int{}, running: map[uint64]int{}}
	cfg.Cleanup = func(_ context.Context, d hostmgr.Departure[string]) error {
		if x.cleanup != nil {
			if err := x.cleanup(d); err != nil {
				return err
			}
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.rows, d.Host.Registration)
		x.cleaned = append(x.cleaned, d.Host.Registration)
		return nil
	}
	var err error
	x.Registry, err = hostmgr.New(cfg)
	require.NoError(t, err)
	return x
}

// join makes an incarnation of a host join, and returns its registration.
func (x *table) join(id string, incarnation uint64) uint64 {
	ack, err := x.Announce(hostmgr.Announcement[string]{ID: id, Incarnation: incarnation, Interval: time.Hour})
	require.NoError(x.t, err)
	return ack.Registration
}

// add adds a row, and adds more to the number of running functions.
func (x *table) add(registration uint64, more int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rows[registration]++
	x.running[registration] += more
}

// while begins a While on a goroutine of its own, and returns when its function runs. end ends the
// function, and waits for the return of While.
func (x *table) while(id string, registration uint64) (end func()) {
	running, open, returned := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		returned <- x.While(id, registration, func() error {
			close(running)
			<-open
			x.add(registration, 0)
			return nil
		})
	}()
	<-running
	return func() {
		close(open)
		require.NoError(x.t, <-returned)
	}
}

func (x *table) left() []uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cleaned
}

// A host leaves, and is replaced, between the moment at which its row is decided on and the moment
// at which it is written. No row is left, with and without Run.
func TestWhileHoldsBackTheCleanup(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{})
			if running {
				defer run(t, x.Registry)()
			}
			first := x.join("a", 1)
			end := x.while("a", first)
			again := x.while("a", first)
			second := x.join("a", 2)
			endSecond := x.while("a", second)
			left := make(chan error)
			go func() { left <- x.Leave(t.Context(), "a", 2) }()
			synctest.Wait()
			x.Sweep(t.Context())
			require.Empty(t, x.left())
			require.Equal(t, 1, x.Stats().Cleanup.AwaitingWhile, "a host, not its cleanups")
			require.Equal(t, 2, x.Stats().Cleanup.Pending)
			end()
			x.Sweep(t.Context())
			require.Empty(t, x.left(), "the other call")
			again()
			x.Sweep(t.Context())
			synctest.Wait()
			require.Equal(t, []uint64{first}, x.left())
			endSecond()
			require.NoError(t, <-left)
			require.Equal(t, []uint64{first, second}, x.left())
			require.Empty(t, x.rows)
			require.Zero(t, x.Stats().Cleanup.AwaitingWhile)
		})
	}
}

func TestWhileTellsWhatTheFunctionTells(t *testing.T) {
	for _, cfg := range []hostmgr.Config[string]{{}, {Cleanup: (&cleanupLog{}).cleanup}} {
		s := newScript(t, cfg)
		called := false
		f := func() error {
			called = true
			return errNotNow
		}
		require.ErrorIs(t, s.While("a", 0, f), hostmgr.ErrUnknownHost)
		ack := s.join("a")
		require.ErrorIs(t, s.While("a", ack.Registration+1, f), hostmgr.ErrStale)
		require.ErrorIs(t, s.While("a", 0, nil), hostmgr.ErrInvalid)
		require.False(t, called)
		require.ErrorIs(t, s.While("a", ack.Registration, f), errNotNow)
		require.True(t, called)
		require.NoError(t, s.While("a", 0, func() error { return nil }))
		require.NoError(t, s.Leave(t.Context(), "a", 0))
		require.ErrorIs(t, s.While("a", ack.Registration, f), hostmgr.ErrUnknownHost)
		again := s.join("a")
		err := s.While("a", ack.Registration, f)
		require.ErrorIs(t, err, hostmgr.ErrStale)
		require.ErrorContains(t, err, fmt.Sprintf(": registration %d is not the current one", ack.Registration))
		require.NoError(t, s.While("a", again.Registration, func() error { return s.Forget("a", 0) }))
		require.Zero(t, s.Stats().Cleanup.Pending)
	}
}

// A function that panics, or ends its goroutine, has returned.
func TestAWhileThatPanicsHasReturned(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("oops") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{})
			x.join("a", 1)
			done := make(chan any)
			go func() {
				defer close(done)
				defer func() { recover() }() //nolint:errcheck // it may panic
				_ = x.While("a", 0, func() error {
					require.ErrorIs(t, x.Leave(t.Context(), "a", 0), hostmgr.ErrCleanupPending)
					end()
					return nil
				})
			}()
			<-done
			require.Zero(t, x.Stats().Cleanup.AwaitingWhile)
			require.Equal(t, 1, x.Sweep(t.Context()).Cleaned)
		})
	}
}

// A call hangs. Other hosts are cleaned up, by one worker and without one, and Stats shows the
// call.
func TestAHungWhileHoldsUpNoOther(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := newTable(t, hostmgr.Config[string]{CleanupWorkers: 1})
			if running {
				defer run(t, x.Registry)()
			}
			end := x.while("hangs", x.join("hangs", 1))
			ctx, cancel := context.WithTimeout(t.Context(), second)
			defer cancel()
			began := time.Now()
			err := x.Leave(ctx, "hangs", 0)
			require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, second, time.Since(began))
			for i := range 20 {
				x.join(strconv.Itoa(i), 1)
				require.NoError(t, x.Leave(t.Context(), strconv.Itoa(i), 0))
				x.join("replaced "+strconv.Itoa(i), 1)
				x.join("replaced "+strconv.Itoa(i), 2)
			}
			x.Sweep(t.Context())
			synctest.Wait()
			require.Len(t, x.left(), 40)
			ctx, cancel = context.WithTimeout(t.Context(), second)
			defer cancel()
			require.ErrorIs(t, x.Drain(ctx), context.DeadlineExceeded)
			require.Equal(t, 2*second, time.Since(began))
			for i := range 100 { // it joins and leaves in a loop
				x.join("hangs", uint64(2+i))
				short, cancel := context.WithCancel(t.Context())
				cancel()
				require.ErrorIs(t, x.Leave(short, "hangs", 0), hostmgr.ErrCleanupPending)
			}
			st := x.Stats().Cleanup
			require.Equal(t, 16, st.Pending)
			require.EqualValues(t, 85, st.GivenUp)
			require.Equal(t, 1, st.AwaitingWhile)
			end()
			require.NoError(t, x.Drain(t.Context()))
			require.Empty(t, x.rows)
		})
	}
}

// Run ends while a function of While runs. Run does not wait for it, and its error counts the
// cleanup.
func TestRunEndsDuringAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTable(t, hostmgr.Config[string]{})
		ctx, cancel := context.WithCancel(t.Context())
		ended, left := make(chan error), make(chan error)
		go func() { ended <- x.Run(ctx) }()
		end := x.while("a", x.join("a", 1))
		go func() { left <- x.Leave(context.Background(), "a", 0) }()
		synctest.Wait()
		began := time.Now()
		cancel()
		err := <-ended
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorContains(t, err, "leaves 1 undone")
		require.Zero(t, time.Since(began))
		end()
		require.NoError(t, <-left, "Leave runs the cleanup now")
		require.Empty(t, x.rows)
	})
}
