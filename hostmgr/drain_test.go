package hostmgr_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A shop is a registry whose cleanups fail until it is open.
type shop struct {
	*hostmgr.Registry[string]
	open  atomic.Bool
	tries atomic.Int64
}

func newShop(t *testing.T, cfg hostmgr.Config[string]) *shop {
	s := &shop{}
	cfg.Cleanup = func(context.Context, hostmgr.Departure[string]) error {
		s.tries.Add(1)
		if !s.open.Load() {
			return errNotNow
		}
		return nil
	}
	var err error
	s.Registry, err = hostmgr.New(cfg)
	require.NoError(t, err)
	return s
}

// leave lets hosts join and leave, whose cleanups fail.
func (s *shop) leave(t *testing.T, hosts int) {
	for i := range hosts {
		_, err := s.Announce(hostmgr.Announcement[string]{ID: "gone " + strconv.Itoa(i)})
		require.NoError(t, err)
		require.ErrorIs(t, s.Leave(t.Context(), "gone "+strconv.Itoa(i), 0), hostmgr.ErrCleanupPending)
	}
}

// Ten cleanups are owed, and five hosts are alive, but have been silent for long. To do the former,
// only Sweep was there, which evicted the latter (longhorn/longhorn#4743, kestra-io/kestra#17129).
func TestDrainEvictsNoHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, hostmgr.Config[string]{})
		for i := range 5 {
			_, err := s.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: second})
			require.NoError(t, err)
		}
		s.leave(t, 10)
		time.Sleep(time.Hour)
		s.open.Store(true)
		sweeps := s.Stats().Sweeps
		require.NoError(t, s.Drain(t.Context()))
		st := s.Stats()
		require.Equal(t, 5, st.Hosts)
		require.Zero(t, st.Departures.Evicted)
		require.Zero(t, st.Suspects)
		require.Equal(t, sweeps, st.Sweeps)
		require.Zero(t, st.Cleanup.Pending)
		require.NoError(t, s.Drain(nil)) //nolint:staticcheck // nil is allowed
	})
}

// The cleanups fail until a minute after the end of Run. Run says how many it leaves undone,
// Pending says which, and Drain does them.
func TestShutdownWithCleanupsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, hostmgr.Config[string]{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		s.leave(t, 20)
		_, err := s.Announce(hostmgr.Announcement[string]{ID: "alive", Interval: time.Hour})
		require.NoError(t, err)
		cancel()
		err = <-ended
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorContains(t, err, "leaves 20 undone")
		time.AfterFunc(time.Minute, func() { s.open.Store(true) })

		early, cancelEarly := context.WithTimeout(t.Context(), 30*second)
		defer cancelEarly()
		err = s.Drain(early)
		require.ErrorIs(t, err, hostmgr.ErrCleanupPending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "leaves 20 undone")
		owed := 0
		for d := range s.Pending() {
			require.Equal(t, "gone "+strconv.Itoa(owed), d.Host.ID)
			require.Greater(t, d.Attempt, 5)
			owed++
		}
		require.Equal(t, 20, owed)

		require.NoError(t, s.Drain(t.Context()))
		require.Zero(t, s.Stats().Cleanup.Pending)
		require.Equal(t, 1, s.Len())
		done, cancelDone := context.WithCancel(t.Context())
		cancelDone()
		require.NoError(t, s.Run(done))
		require.NoError(t, s.Drain(done))
	})
}

// A cleanup may call Drain: it returns at once, with or without Run.
func TestADrainWithinACleanupReturnsAtOnce(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var r *hostmgr.Registry[string]
			var within error
			r, err := hostmgr.New(hostmgr.Config[string]{
				CleanupWorkers: 1,
				Cleanup: func(context.Context, hostmgr.Departure[string]) error {
					within = r.Drain(context.Background())
					return nil
				},
			})
			require.NoError(t, err)
			if running {
				defer run(t, r)()
			}
			_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
			require.NoError(t, err)
			require.NoError(t, r.Leave(t.Context(), "a", 0))
			require.ErrorIs(t, within, hostmgr.ErrCleanupPending)
		})
	}
}

// Hosts depart, Runs begin and end, and several Drains run: each Drain ends, and what was owed when
// it began is done.
func TestDrainWhileHostsDepartAndRunsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, hostmgr.Config[string]{CleanupWorkers: 3})
		s.open.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				for n := i; ctx.Err() == nil; n += 3 {
					id := strconv.Itoa(n % 50)
					_, _ = s.Announce(hostmgr.Announcement[string]{ID: id, Incarnation: uint64(n + 1)})
					time.Sleep(10 * time.Millisecond)
					if n%100 == 0 {
						s.open.Store(n%300 == 0)
					}
				}
			})
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				short, cancel := context.WithTimeout(ctx, 7*second)
				if err := s.Run(short); err != nil && !errors.Is(err, hostmgr.ErrCleanupPending) {
					t.Error(err)
				}
				cancel()
				time.Sleep(5 * second)
			}
		})
		for range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					owed := map[uint64]bool{}
					for d := range s.Pending() {
						owed[d.Host.Registration] = true
					}
					if s.Drain(ctx) != nil {
						continue
					}
					for d := range s.Pending() {
						if owed[d.Host.Registration] {
							t.Errorf("not done: %v", d)
						}
					}
					time.Sleep(second)
				}
			})
		}
		wg.Wait()
		s.open.Store(true)
		require.NoError(t, s.Drain(t.Context()))
	})
}
