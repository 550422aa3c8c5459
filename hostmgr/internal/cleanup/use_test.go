package cleanup_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// use begins a Use of registration 1 of an id, and adds the job of the registration.
func (s *script) use(id string) (u *cleanup.Use[string], j *cleanup.Job[string]) {
	use := s.NewUse()
	use.Begin(id, 1)
	j = s.Add(cleanup.Task[string]{ID: id, Registration: 1, Value: id}, s.clock.Now())
	s.Wake()
	return &use, j
}

// A Use that hangs holds up its own id, and no worker, Sweep, Drain of others.
func TestAUseHoldsUpItsIDOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		s := newScript(t, 1, func(_ context.Context, d string, _ int) error {
			order = append(order, d)
			return nil
		})
		u, _ := s.use("a")
		s.Add(cleanup.Task[string]{ID: "a", Registration: 2, Value: "a again"}, s.clock.Now())
		s.add("b")
		require.Equal(t, 1, s.Stats().AwaitUse)
		require.Equal(t, 1, s.sweep())
		require.Equal(t, cleanup.Stats[string]{Pending: 2, AwaitUse: 1, Oldest: "a"}, s.Stats())
		stop := s.run()
		require.NoError(t, s.leave(t.Context(), "c"))
		u.End()
		synctest.Wait()
		require.Equal(t, []string{"b", "c", "a", "a again"}, order)
		require.Zero(t, s.Stats())
		stop()
	})
}

// The last of several Uses of a registration lets the job begin. Without workers, an Await of it
// runs it then.
func TestAnAwaitWaitsForTheLastUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, succeed)
		u, j := s.use("a")
		another := s.NewUse()
		another.Begin("a", 1)
		awaited := make(chan error)
		go func() { awaited <- s.Await(t.Context(), j) }()
		synctest.Wait()
		u.End()
		synctest.Wait()
		require.Equal(t, 1, s.Stats().AwaitUse)
		ctx, cancel := context.WithTimeout(context.Background(), second)
		defer cancel()
		within := make(chan error)
		go func() { within <- s.Await(ctx, j) }()
		require.ErrorIs(t, <-within, context.DeadlineExceeded)
		another.End()
		require.NoError(t, <-awaited)
		require.Zero(t, s.Stats())
	})
}

// Within a Use, Await does not wait for the end of one: not for its own, and not for another, which
// may wait for this one.
func TestUsesDoNotWaitForEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, succeed)
		a, ja := s.use("a")
		require.ErrorContains(t, s.Await(t.Context(), ja), "in use")
		_, err := s.Drain(t.Context())
		require.ErrorContains(t, err, "that uses a registration")
		require.NoError(t, s.leave(t.Context(), "c"), "it waits for others")
		begun, ended := make(chan *cleanup.Job[string]), make(chan struct{})
		go func() {
			defer close(ended)
			b, jb := s.use("b")
			require.ErrorContains(t, s.Await(t.Context(), ja), "in use")
			begun <- jb
			time.Sleep(second)
			b.End()
		}()
		require.ErrorContains(t, s.Await(t.Context(), <-begun), "in use")
		a.End()
		require.NoError(t, s.Await(t.Context(), ja))
		<-ended
		require.Equal(t, 1, s.sweep())
		_, err = s.Drain(t.Context())
		require.NoError(t, err)
	})
}

// Jobs pile up behind one that awaits a Use: at most sixteen are pending. The one that waits is not
// given up, whose Use has prepared what it will free.
func TestPendingJobsBehindAUseAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScript(t, 1, succeed)
		u, j := s.use("a")
		for i := range 100 {
			s.Add(cleanup.Task[string]{ID: "a", Registration: uint64(i + 2), Value: strconv.Itoa(i)}, 0)
			s.Wake()
		}
		require.Equal(t, 16, s.pending())
		require.EqualValues(t, 85, s.Stats().GivenUp)
		require.Equal(t, "a", s.Stats().Oldest)
		u.End()
		require.NoError(t, s.Await(t.Context(), j))
		require.Equal(t, 15, s.sweep())
	})
}

// A job that is given up makes a job the first of its id that awaits a Use.
func TestTheNextJobAwaitsItsUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fail := true
		s := newScript(t, 1, func(_ context.Context, d string, _ int) error {
			if fail {
				return errNotNow
			}
			return nil
		})
		require.Error(t, s.leave(t.Context(), "a"))
		u, _ := s.use("a")
		require.Zero(t, s.Stats().AwaitUse)
		for range 15 {
			s.add("a")
		}
		require.EqualValues(t, 1, s.Stats().GivenUp)
		require.Equal(t, 1, s.Stats().AwaitUse)
		fail = false
		require.Zero(t, s.sweepAfter(time.Minute))
		u.End()
		require.Zero(t, s.Stats().AwaitUse)
		require.Equal(t, 16, s.sweep())
	})
}

// The queue keeps nothing of a Use that has ended, and one without a job costs nothing later.
func TestAUseWithoutAJob(t *testing.T) {
	s := newScript(t, 1, succeed)
	for range 3 {
		u := s.NewUse()
		u.Begin("a", 1)
		u.End()
	}
	require.NoError(t, s.leave(t.Context(), "a"))
	none := newScript(t, 1, nil)
	u := none.NewUse()
	u.Begin("a", 1)
	u.End()
}
