package hostmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A queued host has joined the queue for Confirm between two times.
type queued struct{ from, to time.Time }

// A confirmModel has the hosts that wait for Confirm, as far as a test can know. It fails the test
// if Confirm is asked about a host while another one has waited longer, or about too few hosts.
type confirmModel struct {
	t   *testing.T
	end chan struct{} // ends calls that hang

	mu     sync.Mutex // guards all below
	random *rand.Rand
	queue  map[string]queued
	asked  map[string]int // by host: the number of the call that asks about it
	calls  int
	hung   int
}

const untilLeftBehind = 20*second - 1

// heard notes that a host will be due in 2 s.
func (m *confirmModel) heard(id string) {
	m.gone(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	due := time.Now().Add(2 * second)
	m.queue[id] = queued{due, due.Add(2)}
}

func (m *confirmModel) gone(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.queue, id)
	delete(m.asked, id)
}

// waiting returns how many hosts wait at least, and at most.
func (m *confirmModel) waiting() (least, most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, q := range m.queue {
		if q.to.Before(now) {
			least++
		}
		if q.from.Before(now) {
			most++
		}
	}
	return least, most
}

// confirm takes the hosts of a call out of the queue. It answers, fails, or is late.
func (m *confirmModel) confirm(_ context.Context, due hosts) (may hosts, err error) {
	call, kind, takes := m.ask(due)
	switch time.Sleep(takes); {
	case kind == 0:
		err = errors.New("no answer")
	case kind < 3: // refused, or late
	default:
		may = due[m.held(due, call):]
	}
	m.heldOn(due[:len(due)-len(may)], call)
	if takes == untilLeftBehind {
		<-m.end
	}
	return may, err
}

func (m *confirmModel) ask(due hosts) (call, kind int, takes time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, last := time.Now(), time.Time{}
	m.calls++
	for _, h := range due {
		q, ok := m.queue[h.ID]
		if !ok {
			m.t.Errorf("asked about %s, which does not wait", h.ID)
		}
		delete(m.queue, h.ID)
		m.asked[h.ID] = m.calls
		if q.from.After(last) {
			last = q.from
		}
	}
	for id, q := range m.queue {
		if q.to.Before(last) {
			m.t.Errorf("%s waits since %v, and is overtaken by one that waits since %v", id, q.to, last)
		}
		if len(due) < 512 && q.to.Before(now) {
			m.t.Errorf("%s waits since %v, and is left out of a batch of %d", id, q.to, len(due))
		}
	}
	kind, takes = m.random.IntN(8), time.Duration(m.random.Int64N(int64(4*second)))
	if kind == 1 {
		takes = 15 * second
		if m.hung++; m.hung%2 == 0 && m.hung < 16 {
			takes = untilLeftBehind
		}
	}
	return m.calls, kind, takes
}

// held returns how many hosts of a batch are refused, and notes the others as gone.
func (m *confirmModel) held(due hosts, call int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.random.IntN(len(due) + 1)
	for _, h := range due[n:] {
		if m.asked[h.ID] == call {
			delete(m.asked, h.ID)
		}
	}
	return n
}

// heldOn notes that hosts will join the queue again within a second, unless they were heard or left
// meanwhile.
func (m *confirmModel) heldOn(due hosts, call int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, h := range due {
		if m.asked[h.ID] == call {
			delete(m.asked, h.ID)
			m.queue[h.ID] = queued{now, now.Add(second + 2)}
		}
	}
}

// Hosts fall silent, are heard and leave at random times. Confirm allows, refuses or fails. It
// takes its time, at times longer than the limit, or for good. No host is overtaken by one that
// joined the queue later, so each waits for what stands before it and for nothing else.
func TestNoHostIsOvertakenOnItsWayToConfirm(t *testing.T) {
	seeds, calls, leftBehind := times(3, 200), 0, 0
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			c, l := testConfirmOrder(t, uint64(seed))
			calls, leftBehind = calls+c, leftBehind+l
		})
	}
	require.Greater(t, calls, 20*seeds)
	require.GreaterOrEqual(t, leftBehind, seeds)
}

func testConfirmOrder(t *testing.T, seed uint64) (calls, leftBehind int) {
	m := &confirmModel{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), queue: map[string]queued{}, asked: map[string]int{}, end: make(chan struct{}),
	}
	r, err := hostmgr.New(hostmgr.Config[string]{Confirm: m.confirm})
	require.NoError(t, err)
	stop := run(t, r)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 200 {
		for range random.IntN(40) {
			if id := strconv.Itoa(random.IntN(3000)); random.IntN(8) > 0 {
				m.heard(id)
				joins(t, r, id)
			} else if r.Forget(id, 0) == nil {
				m.gone(id)
			}
		}
		time.Sleep(time.Duration(random.IntN(int(second))))
		synctest.Wait()
		s := r.Stats().Confirm
		least, most := m.waiting()
		require.True(t, least <= s.Waiting && s.Waiting <= most, "%d wait, not %d to %d", s.Waiting, least, most)
		require.True(t, s.Waiting == 0 || s.Asked > 0, "%d wait, and none is asked about", s.Waiting)
	}
	leftBehind = r.Stats().Confirm.LeftBehind
	close(m.end)
	stop()
	time.Sleep(time.Minute) // a call that was left behind may still take its time
	return m.calls, leftBehind
}
