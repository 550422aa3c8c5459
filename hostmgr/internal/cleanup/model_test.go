package cleanup_test

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A task is a job of the model, which looks at all tasks to find the next one.
type task struct {
	id      string
	added   time.Duration
	takes   []time.Duration // by try; all but the last fail
	ready   time.Duration   // once it is the first of its id
	tries   int
	running bool
	givenUp bool
}

func (t *task) done() bool { return t.givenUp || t.tries == len(t.takes) }

// A start is the begin of a try.
type start struct {
	at        time.Duration
	task, try int
}

// A model is tasks in the order in which they are added.
type model struct {
	tasks   []*task
	arrived int                   // tasks that were added
	failed  map[string]int        // tries since the last success, by id
	ends    map[int]time.Duration // of the tries that are under way, by task
	frees   map[int]time.Duration // when such a try leaves its worker or Sweep free
	starts  []start
	givenUp []string
}

// advance lets all happen that happens until now, in order: tries end, and tasks are added.
func (m *model) advance(now time.Duration) {
	for {
		at, ended := never, -1
		for i, end := range m.ends {
			if end < at {
				at, ended = end, i
			}
		}
		switch {
		case m.arrived < len(m.tasks) && m.tasks[m.arrived].added < min(at, now+1):
			m.arrive()
		case ended >= 0 && at <= now:
			m.end(ended, at)
		default:
			return
		}
	}
}

// arrive adds the next task. If the id has failed or was left behind, then the oldest of more than
// sixteen that is not running is given up, and the next one gets its place.
func (m *model) arrive() {
	added := m.tasks[m.arrived]
	var pending []int
	for i, t := range m.tasks[:m.arrived+1] {
		if t.id == added.id && !t.done() {
			pending = append(pending, i)
		}
	}
	m.arrived++
	first := pending[0]
	left := m.tasks[first].running && m.frees[first] < min(m.ends[first], added.added+1)
	for len(pending) > 16 && (left || m.failed[added.id] > 0) {
		oldest := 0
		if m.tasks[first].running {
			oldest = 1
		} else {
			m.tasks[pending[1]].ready = m.tasks[pending[0]].ready
		}
		m.tasks[pending[oldest]].givenUp = true
		m.givenUp = append(m.givenUp, "given up "+strconv.Itoa(pending[oldest]))
		pending = slices.Delete(pending, oldest, oldest+1)
		first = pending[0]
	}
}

// next is the task that has waited longest of those that may be tried: the first of its id, and
// ready by the limit. It is -1 if there is none.
func (m *model) next(limit time.Duration) int {
	next, seen := -1, map[string]bool{}
	for i, t := range m.tasks[:m.arrived] {
		if t.done() || seen[t.id] {
			continue
		}
		seen[t.id] = true
		if !t.running && t.ready <= limit && (next < 0 || t.ready < m.tasks[next].ready) {
			next = i
		}
	}
	return next
}

// start starts a task's next try, and returns when that ends or is left behind.
func (m *model) start(i int, now time.Duration) (free time.Duration) {
	t := m.tasks[i]
	t.running = true
	m.starts = append(m.starts, start{now, i, t.tries})
	m.ends[i] = now + t.takes[t.tries]
	m.frees[i] = min(m.ends[i], now+40*second)
	return m.frees[i]
}

func (m *model) end(i int, now time.Duration) {
	t := m.tasks[i]
	t.running = false
	delete(m.ends, i)
	m.failed[t.id]++
	if t.tries++; t.done() {
		m.failed[t.id] = 0
	}
	t.ready = now + min(30*second, 50*time.Millisecond<<m.failed[t.id])
}

// work has workers do all tasks.
func (m *model) work(workers int) {
	for now := time.Duration(0); now < never; now = m.nextMoment(now) {
		m.advance(now)
		maps.DeleteFunc(m.frees, func(_ int, at time.Duration) bool { return at <= now })
		for i := m.next(now); i >= 0 && len(m.frees) < workers; i = m.next(now) {
			m.start(i, now)
		}
	}
}

const never = time.Duration(1<<63 - 1)

// nextMoment is when something happens next: a try ends or is left behind, or a task is added or
// ready.
func (m *model) nextMoment(now time.Duration) time.Duration {
	moment := never
	for i, t := range m.tasks {
		for _, at := range []time.Duration{cmp.Or(m.ends[i], never), cmp.Or(m.frees[i], never), t.added, t.ready} {
			if at > now {
				moment = min(moment, at)
			}
		}
	}
	return moment
}

// sweep has one Sweep after the other do tasks, at given moments or when the one before has ended.
func (m *model) sweep(moments []time.Duration) {
	m.sweepAt(moments)
	m.advance(never - 1)
}

// sweepAt is sweep until the last Sweep has ended.
func (m *model) sweepAt(moments []time.Duration) {
	now := time.Duration(0)
	for _, began := range moments {
		began = max(began, now)
		now = began
		m.advance(now)
		for i := m.next(began); i >= 0; i = m.next(began) {
			now = m.start(i, now)
			m.advance(now)
		}
	}
}

// drawModel draws tasks that come at random moments, all different, and fail or hang at random.
func drawModel(t *rapid.T) (m *model, rnd *rand.Rand) {
	rnd = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	m = &model{failed: map[string]int{}, ends: map[int]time.Duration{}, frees: map[int]time.Duration{}}
	hangs := rapid.IntRange(0, 3).Draw(t, "hangs") // of 100 tries
	ids := rapid.IntRange(1, 20).Draw(t, "ids")
	longest := rapid.Int64Range(1, 400).Draw(t, "longest cleanup") * int64(time.Millisecond)
	rate := rapid.IntRange(1, 8).Draw(t, "rate") // of arrivals, compared with one worker's
	added := time.Duration(0)
	for range rapid.IntRange(1, 100).Draw(t, "tasks") {
		added += time.Duration(1 + rnd.Int64N(2*longest/int64(rate)))
		k := &task{id: strconv.Itoa(rnd.IntN(ids)), added: added, ready: added}
		for ok := false; !ok; ok = rnd.IntN(3) > 0 {
			takes := time.Duration(1 + rnd.Int64N(longest))
			if rnd.IntN(100) < hangs {
				takes += time.Duration(rnd.Int64N(int64(200 * second)))
			}
			k.takes = append(k.takes, takes)
		}
		m.tasks = append(m.tasks, k)
	}
	return m, rnd
}

// drawMoments draws when Sweeps begin.
func drawMoments(t *rapid.T, rnd *rand.Rand) []time.Duration {
	moments := make([]time.Duration, rapid.IntRange(1, 50).Draw(t, "sweeps"))
	for i := range moments {
		moments[i] = time.Duration(rnd.Int64N(int64(5 * second)))
	}
	slices.Sort(moments)
	return moments
}

// A replay has a queue do the tasks of a model.
type replay struct {
	*script
	began time.Time
	added sync.WaitGroup

	mu     sync.Mutex // guards starts
	starts []start
}

// newReplay is to be called in a bubble. It adds the tasks in time.
func newReplay(t *testing.T, tasks []*task, workers int) *replay {
	r := &replay{began: time.Now()}
	r.script = newScript(t, workers, func(_ context.Context, d string, attempt int) error {
		i, _ := strconv.Atoi(d)
		r.mu.Lock()
		r.starts = append(r.starts, start{time.Since(r.began), i, attempt - 1})
		r.mu.Unlock()
		time.Sleep(tasks[i].takes[attempt-1])
		if attempt < len(tasks[i].takes) {
			return errNotNow
		}
		return nil
	})
	r.added.Go(func() {
		for i, k := range tasks {
			r.sleepUntil(k.added)
			r.Add(work(k.id, strconv.Itoa(i), 0), r.clock.Now())
			r.Wake()
		}
	})
	return r
}

// givenUp returns which tasks the queue gave up.
func (r *replay) givenUp() (tasks []string) {
	r.script.mu.Lock()
	defer r.script.mu.Unlock()
	for _, s := range r.told {
		if strings.HasPrefix(s, "given up") {
			tasks = append(tasks, s)
		}
	}
	return tasks
}

func (r *replay) sleepUntil(at time.Duration) { time.Sleep(at - time.Since(r.began)) }

// Whatever comes and fails, and however long it takes: workers begin each try at the very moment at
// which the model does. So each job waits for those only that were ready before it.
func TestModelOfWorkers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, _ := drawModel(rt)
		workers := rapid.IntRange(1, 5).Draw(rt, "workers")
		var got []start
		var givenUp []string
		bubble(t, func(t *testing.T) {
			r := newReplay(t, m.tasks, workers)
			stop := r.run()
			time.Sleep(time.Hour)
			stop()
			require.Zero(t, r.pending())
			got, givenUp = r.starts, r.givenUp()
		})
		m.work(workers)
		require.Equal(rt, m.starts, got)
		require.Equal(rt, m.givenUp, givenUp)
	})
}

// Sweeps at any moments make the tries that the model makes, in its order.
func TestModelOfSweeps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, rnd := drawModel(rt)
		moments := drawMoments(rt, rnd)
		var got []start
		var givenUp []string
		bubble(t, func(t *testing.T) {
			r := newReplay(t, m.tasks, 8)
			for _, moment := range moments {
				r.sleepUntil(moment)
				r.sweep()
			}
			r.added.Wait()
			time.Sleep(time.Hour) // until no try hangs
			got, givenUp = r.starts, r.givenUp()
		})
		m.sweep(moments)
		require.Equal(rt, m.starts, got)
		require.Equal(rt, m.givenUp, givenUp)
	})
}
