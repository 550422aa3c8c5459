package cleanup_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
)

// A mess is jobs that fail, panic, end their goroutine, hang or call the queue at random, and what
// the queue owes to each.
type mess struct {
	*script

	mu     sync.Mutex // guards all below
	rnd    *rand.Rand
	jobs   map[string]*messJob
	latest *cleanup.Job[string] // that was added
	busy   map[string]bool      // ids
	last   map[string]int       // the job that was done last, by id
}

type messJob struct {
	tries int
	ended time.Time // the latest try
	done  bool
}

func newMess(t *testing.T, workers int) *mess {
	m := &mess{
		rnd: rand.New(rand.NewPCG(1, 2)), jobs: map[string]*messJob{},
		busy: map[string]bool{}, last: map[string]int{},
	}
	m.script = newScript(t, workers, m.clean)
	return m
}

// An id has jobs of the numbers that have its remainder.
const messIDs = 1000

func idOf(number int) string { return strconv.Itoa(number % messIDs) }

func (m *mess) dice(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rnd.IntN(n)
}

// add queues a job. Those of one id are to be added in the order of their numbers.
func (m *mess) add(number int) func(ctx context.Context) {
	d := strconv.Itoa(number)
	j := m.Add(work(idOf(number), d, 0), m.clock.Now())
	m.Wake()
	m.mu.Lock()
	m.latest = j
	m.mu.Unlock()
	return func(ctx context.Context) { m.check(ctx, d, m.Await(ctx, j)) }
}

// check checks the result of Await.
func (m *mess) check(ctx context.Context, d string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[d]; err == nil && (j == nil || !j.done) {
		m.t.Errorf("job %s is said to be done: %+v", d, j)
	}
}

func (m *mess) clean(ctx context.Context, d string, attempt int) error {
	dice := m.begin(d, attempt)
	defer m.end(d)
	switch {
	case dice < 3:
		return errNotNow
	case dice < 4:
		panic("oops")
	case dice < 5:
		runtime.Goexit()
	case dice < 6:
		if !m.hang(ctx) {
			return ctx.Err()
		}
	case dice < 7:
		runtime.Gosched()
	case dice < 8:
		time.Sleep(time.Duration(m.dice(100)) * second) // whatever becomes of its context
	case dice < 9:
		m.reenter(ctx)
	case dice < 10:
		m.reenter(context.Background())
	}
	m.succeed(d)
	return nil
}

// reenter calls the queue within a cleanup: no cleanup is run or waited for.
func (m *mess) reenter(ctx context.Context) {
	began := time.Now()
	m.mu.Lock()
	j := m.latest
	m.mu.Unlock()
	if m.Sweep(ctx, func() {}) > 0 {
		m.t.Error("a Sweep within a cleanup did cleanups")
	}
	_ = m.Await(ctx, j)
	m.Wake()
	if took := time.Since(began); took > 0 {
		m.t.Errorf("calls within a cleanup took %v", took)
	}
}

func (m *mess) hang(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Minute):
		return true
	}
}

// begin checks that a try is the next one of its job, alone for its id, and after its pause.
func (m *mess) begin(d string, attempt int) (dice int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, _ := strconv.Atoi(d)
	j, id := m.jobs[d], idOf(number)
	if j == nil {
		j = &messJob{}
		m.jobs[d] = j
	}
	pause := 100 * time.Millisecond << max(0, j.tries-1)
	early := j.tries > 0 && time.Since(j.ended) < min(pause, 30*second)
	last, any := m.last[id]
	j.tries++
	before := any && last == number-messIDs || !any && number < messIDs
	if early || j.done || j.tries != attempt || m.busy[id] || !before {
		m.t.Errorf("try %d of job %s after %+v, early: %v, busy: %v, last: %d", attempt, d, *j, early, m.busy[id], last)
	}
	m.busy[id] = true
	return m.rnd.IntN(20)
}

func (m *mess) succeed(d string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, _ := strconv.Atoi(d)
	m.jobs[d].done, m.last[idOf(number)] = true, number
}

func (m *mess) end(d string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, _ := strconv.Atoi(d)
	m.busy[idOf(number)], m.jobs[d].ended = false, time.Now()
}

// repeat has a function called again and again on a goroutine of its own, until the context ends.
func (m *mess) repeat(ctx context.Context, wg *sync.WaitGroup, f func()) {
	wg.Go(func() {
		for ctx.Err() == nil {
			f()
			time.Sleep(time.Duration(m.dice(200)) * time.Millisecond)
		}
	})
}

// Adders, Sweeps, Awaits with and without time, and pools that start and stop, all at once. In the
// end each job was done, none after success or before its pause was over, one at a time for each id
// and in order, and nothing is pending.
func TestEachJobIsDoneOnceWhateverHappens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many, adders = 10_000, 4
		m := newMess(t, 8)
		ctx, cancel := context.WithCancel(t.Context())
		var adding, others sync.WaitGroup
		for adder := range adders {
			adding.Go(func() { m.addMany(adder, adders, many) })
		}
		for range 2 {
			m.repeat(ctx, &others, func() { m.sweep() })
		}
		m.repeat(ctx, &others, func() { m.Stats(); m.Next(); m.Plan(m.clock.Now()) })
		m.repeat(ctx, &others, m.runForAWhile)
		adding.Wait()
		for m.pending() > 0 {
			time.Sleep(30 * second)
		}
		cancel()
		others.Wait()
		require.Len(t, m.jobs, many)
		for d, j := range m.jobs {
			require.True(t, j.done, d)
		}
		require.EqualValues(t, len(m.failed), m.Stats().Failures)
		require.Len(t, m.took, many)
		require.Zero(t, m.Stats().Calls.Running)
		require.NotZero(t, m.Stats().Calls.Timeouts)
	})
}

// addMany adds the jobs of every so many ids, and awaits some of them.
func (m *mess) addMany(first, every, many int) {
	var waiting sync.WaitGroup
	for number := first; number < many; number += every {
		await := m.add(number)
		switch m.dice(20) {
		case 0:
			time.Sleep(time.Duration(m.dice(200)) * time.Millisecond)
		case 1, 2:
			waiting.Go(func() { await(m.t.Context()) })
		case 3:
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(m.t.Context(), time.Duration(m.dice(2000))*time.Millisecond)
				defer cancel()
				await(ctx)
			})
		}
	}
	waiting.Wait()
}

func (m *mess) runForAWhile() {
	stop := m.run()
	time.Sleep(time.Duration(m.dice(20)) * second)
	stop()
}

// Without pauses: goroutines add, sweep and await jobs of few ids as fast as they can, while a pool
// starts and stops.
func TestContention(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many = 2000
		var mu sync.Mutex // guards done
		done := map[string]int{}
		s := newScript(t, 3, func(_ context.Context, d string, attempt int) error {
			runtime.Gosched()
			if attempt == 1 && len(d)%2 == 0 {
				return errNotNow
			}
			mu.Lock()
			defer mu.Unlock()
			done[d]++
			return nil
		})
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range many {
					d := strconv.Itoa(g*many + i)
					j := s.Add(work(strconv.Itoa(i%7), d, 0), s.clock.Now())
					switch i % 5 {
					case 0:
						s.Wake()
					case 1:
						_ = s.Await(t.Context(), j)
					case 2:
						_ = s.Await(ended(), j)
					case 3:
						s.sweep()
					case 4:
						s.Plan(s.clock.Now())
					}
				}
			})
		}
		wg.Go(func() {
			for range 300 {
				stop := s.Start(t.Context())
				runtime.Gosched()
				s.Wake()
				stop()
			}
		})
		wg.Wait()
		for s.pending() > 0 {
			s.sweepAfter(30 * second)
		}
		synctest.Wait()
		require.EqualValues(t, 4*many, uint64(len(done))+s.Stats().GivenUp)
		for d, times := range done {
			require.Equal(t, 1, times, d)
		}
	})
}
