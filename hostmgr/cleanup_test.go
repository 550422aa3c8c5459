package hostmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

var errNotNow = errors.New("not now")

func TestRetriesBackOff(t *testing.T) {
	var tries []time.Duration
	var s *script
	start := time.Time{}
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			tries = append(tries, s.clock.Now().Sub(start))
			require.Equal(t, len(tries), d.Attempt)
			if d.Attempt < 80 {
				return errNotNow
			}
			return nil
		},
	})
	s.join("a")
	start = s.clock.Now()
	require.Error(t, s.Leave(context.Background(), "a", 0))
	for {
		next, ok := s.Next()
		if !ok {
			break
		}
		s.after(next.Sub(s.clock.Now()))
	}
	var pauses []time.Duration
	for i := 1; i < len(tries); i++ {
		pauses = append(pauses, (tries[i]-tries[i-1]).Round(time.Millisecond)/time.Millisecond)
	}
	require.Equal(t, []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600}, pauses[:9])
	require.Equal(t, slices.Repeat([]time.Duration{30000}, 70), pauses[9:], "however often it failed")
	require.Equal(t, uint64(79), s.Stats().CleanupFailures)
}

func TestAReplacedHostIsCleanedButNotInsideAnnounce(t *testing.T) {
	var d diary
	s := newScript(t, hostmgr.Config[string]{Cleanup: d.cleanup})
	lease := s.join("a")
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: lease.Incarnation + 1})
	require.Empty(t, d.departures)
	require.Equal(t, 1, s.after(0).Cleaned)
	require.Equal(t, hostmgr.Replaced, d.departures[0].Kind)
	require.Equal(t, lease.Incarnation, d.departures[0].Host.Incarnation)
}

// A mess is what many cleanups that fail, panic or hang have come to, by life.
type mess struct {
	t    *testing.T
	mu   sync.Mutex
	rnd  *rand.Rand
	jobs map[uint64]*messJob
}

type messJob struct {
	tries int
	ended time.Time // the latest try
	done  bool
}

func (m *mess) cleanup(ctx context.Context, d hostmgr.Departure[string]) error {
	m.mu.Lock()
	j, dice := m.jobs[d.Host.Life], m.rnd.IntN(10)
	if j == nil {
		j = &messJob{}
		m.jobs[d.Host.Life] = j
	}
	j.tries++
	pause := 100 * time.Millisecond << max(0, j.tries-2)
	if j.done || j.tries != d.Attempt || j.tries > 1 && time.Since(j.ended) < min(pause, 30*second) {
		m.t.Errorf("try %d of %+v, %v after %+v", j.tries, d, time.Since(j.ended), *j)
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		j.ended = time.Now()
		m.mu.Unlock()
	}()
	switch {
	case dice < 3:
		return errNotNow
	case dice < 5:
		panic("oops")
	case dice < 6:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Minute):
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	j.done = true
	return nil
}

// leave leaves, and checks what Leave says of the cleanup.
func (m *mess) leave(r *hostmgr.Registry[string], id string) {
	lease, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Hour})
	require.NoError(m.t, err)
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	m.mu.Lock()
	if m.rnd.IntN(3) == 0 {
		time.AfterFunc(time.Duration(m.rnd.IntN(5))*second, cancel)
	}
	m.mu.Unlock()
	err = r.Leave(ctx, id, lease.Incarnation)
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[lease.Life]
	switch {
	case err == nil:
		require.True(m.t, j != nil && j.done, "gone and clean")
	case ctx.Err() == nil:
		require.ErrorIs(m.t, err, hostmgr.ErrCleanupPending)
		require.True(m.t, j != nil && j.tries > 0, "it waited until its cleanup was tried")
	default:
		require.ErrorIs(m.t, err, hostmgr.ErrCleanupPending)
	}
}

// Ten thousand cleanups that fail, panic or hang at random, leaves that wait for theirs,
// and Runs that are cut off midway: in the end each life was cleaned up, none after success
// or before its pause was over, and nothing is pending.
func TestCleanupIsDoneInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		m := &mess{t: t, rnd: rand.New(rand.NewPCG(1, 2)), jobs: map[uint64]*messJob{}}
		r, err := hostmgr.New(hostmgr.Config[string]{Cleanup: m.cleanup, CleanupWorkers: 32})
		require.NoError(t, err)
		const leaves = n / 4
		for i := range n - leaves {
			_, err := r.Announce(hostmgr.Announcement[string]{
				ID: strconv.Itoa(i % (n / 2)), Interval: second, Incarnation: uint64(i + 1),
			})
			require.NoError(t, err)
		}
		var leaving sync.WaitGroup
		for i := range leaves {
			leaving.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				m.leave(r, "leaves "+strconv.Itoa(i))
			})
		}
		most, last := 0, 0
		for rounds := 0; r.Len() > 0 || r.Stats().CleanupPending > 0 || rounds < 2; rounds++ {
			stop := run(t, r)
			time.Sleep(20 * second)
			stop()
			last = r.Stats().CleanupPending
			most = max(most, last)
			require.Less(t, rounds, 1000)
		}
		leaving.Wait()
		for r.Stats().CleanupPending > 0 { // of those who left while nobody ran it
			time.Sleep(30 * second)
			r.Sweep(t.Context())
		}
		require.Greater(t, most, last)
		require.Len(t, m.jobs, n)
		for life, j := range m.jobs {
			require.True(t, j.done, life)
		}
	})
}

// A try by hand is under way when Run starts, and another cleanup joins its lane:
// with no other reason to wake, Run has it done all the same.
func TestRunTakesOverALaneThatWasBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var first uint64
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if first == 0 {
					first = d.Host.Life
				}
				if d.Host.Life == first {
					<-gate
				}
				return nil
			},
		})
		require.NoError(t, err)
		var wg sync.WaitGroup
		leave := func() {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
			require.NoError(t, err)
			wg.Go(func() { _ = r.Leave(t.Context(), "a", 0) })
			synctest.Wait()
		}
		leave()
		stop := run(t, r)
		leave()
		start := time.Now()
		close(gate)
		wg.Wait()
		require.Zero(t, time.Since(start), "at once, not when Run happens to wake")
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

func TestStatsNameTheOldestCleanupThatIsPending(t *testing.T) {
	done := map[string]bool{"b": true}
	s := newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if !done[d.Host.ID] {
				return errNotNow
			}
			return nil
		},
	})
	var left []time.Time
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
		s.clock.Advance(time.Millisecond)
		left = append(left, s.clock.Now())
		require.Equal(t, !done[id], s.Leave(context.Background(), id, 0) != nil)
	}
	require.Equal(t, left[0], s.Stats().CleanupOldest)
	done["a"] = true
	s.after(second)
	require.Equal(t, left[2], s.Stats().CleanupOldest)
	require.Equal(t, 1, s.Stats().CleanupPending)
	done["c"] = true
	s.after(second)
	require.Zero(t, s.Stats().CleanupOldest)
}

func TestRunRetriesInTimeThoughNothingElseWakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Attempt < 4 {
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Leave(t.Context(), "a", 0), errNotNow)
		for i, pause := range []time.Duration{100, 200, 400} {
			require.Equal(t, uint64(i+1), r.Stats().CleanupFailures)
			time.Sleep(pause * time.Millisecond)
			synctest.Wait()
		}
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

func TestASweepDoesAllCleanupsOfAnIDHoweverTimePasses(t *testing.T) {
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			s.clock.Advance(time.Millisecond)
			return nil
		},
	})
	for i := range 10 {
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour, Incarnation: uint64(i + 1)})
	}
	require.Equal(t, 9, s.Sweep(context.Background()).Cleaned)
	require.Zero(t, s.Stats().CleanupPending)
}

// While the one worker is busy the first of two retries becomes due, so Run leaves both to the
// worker. It finds the second not due yet when it goes: then Run must plan for it.
func TestRunPlansForWhatAWorkerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[string]{
			MaxGap: -1, CleanupWorkers: 1,
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				switch {
				case d.Host.ID == "busy":
					time.Sleep(30 * time.Millisecond)
				case d.Attempt == 1:
					return errNotNow
				}
				return nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		leave := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id})
			require.NoError(t, err)
			_ = r.Leave(t.Context(), id, 0)
		}
		leave("first") // its retry: after 100 ms
		time.Sleep(50 * time.Millisecond)
		leave("second") // after 150 ms
		time.Sleep(40 * time.Millisecond)
		leave("busy") // from 90 ms to 120 ms
		time.Sleep(40 * time.Millisecond)
		require.Zero(t, r.Stats().CleanupPending)
		stop()
	})
}

// Cleanups failed at odd times: each is retried when its pause is over, whatever the others'.
func TestASweepMakesTheRetriesThatAreDue(t *testing.T) {
	due := map[string]time.Time{}
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt == 1 {
				due[d.Host.ID] = s.clock.Now().Add(100 * time.Millisecond)
				return errNotNow
			}
			require.Equal(t, due[d.Host.ID], s.clock.Now())
			delete(due, d.Host.ID)
			return nil
		},
	})
	rnd := rand.New(rand.NewPCG(8, 9))
	for i := range 300 {
		if i < 200 {
			s.join(strconv.Itoa(i))
			require.Error(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
		}
		for range rnd.IntN(4) {
			s.after(time.Millisecond)
		}
	}
	require.Empty(t, due)
	require.Zero(t, s.Stats().CleanupPending)
}

// What is cleaned up is kept no longer, though cleanups of others, or of its id, wait still.
func TestWhatIsCleanedUpIsKeptNoLonger(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[*[1 << 10]byte]) error {
			if d.Host.Incarnation == 2 {
				return errNotNow
			}
			return nil
		},
	})
	require.NoError(t, err)
	var remains []weak.Pointer[[1 << 10]byte]
	for i := range 10 {
		for incarnation := range uint64(3) { // a lane of two: the first succeeds, the second does not
			data := new([1 << 10]byte)
			if incarnation == 0 {
				remains = append(remains, weak.Make(data))
			}
			_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{
				ID: strconv.Itoa(i), Incarnation: incarnation + 1, Metadata: data, Interval: time.Hour,
			})
			require.NoError(t, err)
		}
		data := new([1 << 10]byte)
		remains = append(remains, weak.Make(data))
		_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{ID: "only " + strconv.Itoa(i), Incarnation: 1, Metadata: data})
		require.NoError(t, err)
		_ = r.Leave(t.Context(), "only "+strconv.Itoa(i), 0)
	}
	require.Equal(t, 10, r.Sweep(t.Context()).Cleaned)
	require.Equal(t, 10, r.Stats().CleanupPending)
	runtime.GC()
	for _, p := range remains {
		require.True(t, p.Value() == nil)
	}
	runtime.KeepAlive(r)
}
