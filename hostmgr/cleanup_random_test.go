package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A mess holds the states of many cleanups that fail, panic or hang, by registration.
type mess struct {
	t    *testing.T
	mu   sync.Mutex
	rnd  *rand.Rand
	jobs map[uint64]*messJob
}

type messJob struct {
	tries int
	ended time.Time // the end of the latest try
	done  bool
}

func (m *mess) cleanup(ctx context.Context, d hostmgr.Departure[string]) error {
	m.mu.Lock()
	j, dice := m.jobs[d.Host.Registration], m.rnd.IntN(10)
	if j == nil {
		j = &messJob{}
		m.jobs[d.Host.Registration] = j
	}
	j.tries++
	shortest := min(100*time.Millisecond<<max(0, j.tries-2), 30*second) / 2
	if j.done || j.tries != d.Attempt || j.tries > 1 && time.Since(j.ended) < shortest {
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

// leave lets a host leave, and checks what Leave says of its cleanup.
func (m *mess) leave(r *hostmgr.Registry[string], id string) {
	ack, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Hour})
	require.NoError(m.t, err)
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	m.mu.Lock()
	if m.rnd.IntN(3) == 0 {
		time.AfterFunc(time.Duration(m.rnd.IntN(5))*second, cancel)
	}
	m.mu.Unlock()
	err = r.Leave(ctx, id, ack.Incarnation)
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[ack.Registration]
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

// Ten thousand cleanups fail, panic or hang at random; some leaves wait for theirs; Runs end in the
// middle. In the end each registration was cleaned up, none again after success, none before its
// pause was over, and nothing is pending.
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
		peak, last := 0, 0
		for rounds := 0; r.Len() > 0 || r.Stats().Cleanup.Pending > 0 || rounds < 2; rounds++ {
			stop := run(t, r)
			time.Sleep(20 * second)
			stop()
			last = r.Stats().Cleanup.Pending
			peak = max(peak, last)
			require.Less(t, rounds, 1000)
		}
		leaving.Wait()
		for r.Stats().Cleanup.Pending > 0 { // of hosts that left while Run did not run
			time.Sleep(30 * second)
			r.Sweep(t.Context())
		}
		require.Greater(t, peak, last)
		require.Len(t, m.jobs, n)
		for registration, j := range m.jobs {
			require.True(t, j.done, registration)
		}
	})
}
