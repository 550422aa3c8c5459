package cleanup_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
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
}

func (t *task) done() bool { return t.tries == len(t.takes) }

// A start is the begin of a try.
type start struct {
	at        time.Duration
	task, try int
}

// A model is tasks in the order in which they are added.
type model struct {
	tasks  []*task
	starts []start
}

// next is the task that has waited longest of those that may be tried: the first of its id, ready
// by the limit, and added by then. It is -1 if there is none.
func (m *model) next(limit time.Duration) int {
	next, seen := -1, map[string]bool{}
	for i, t := range m.tasks {
		if t.done() || t.added > limit || seen[t.id] {
			continue
		}
		seen[t.id] = true
		if !t.running && t.ready <= limit && (next < 0 || t.ready < m.tasks[next].ready) {
			next = i
		}
	}
	return next
}

// start starts a task's next try, and returns when that ends.
func (m *model) start(i int, now time.Duration) (end time.Duration) {
	t := m.tasks[i]
	t.running = true
	m.starts = append(m.starts, start{now, i, t.tries})
	return now + t.takes[t.tries]
}

func (m *model) end(i int, now time.Duration) {
	t := m.tasks[i]
	t.running = false
	if t.tries++; !t.done() {
		t.ready = now + min(30*second, 50*time.Millisecond<<t.tries)
	}
}

// work has workers do all tasks.
func (m *model) work(workers int) {
	ends := map[int]time.Duration{} // of the tries that are under way
	for now := time.Duration(0); now < never; now = m.nextMoment(now, ends) {
		for i, end := range ends {
			if end == now {
				delete(ends, i)
				m.end(i, now)
			}
		}
		for i := m.next(now); i >= 0 && len(ends) < workers; i = m.next(now) {
			ends[i] = m.start(i, now)
		}
	}
}

const never = time.Duration(1<<63 - 1)

// nextMoment is when something happens next: a try ends, or a task is added or ready.
func (m *model) nextMoment(now time.Duration, ends map[int]time.Duration) time.Duration {
	moment := never
	for i, t := range m.tasks {
		for _, at := range []time.Duration{cmp.Or(ends[i], never), t.added, t.ready} {
			if at > now {
				moment = min(moment, at)
			}
		}
	}
	return moment
}

// sweep has one Sweep after the other do tasks, at given moments or when the one before has ended.
func (m *model) sweep(moments []time.Duration) {
	now := time.Duration(0)
	for _, began := range moments {
		began = max(began, now)
		now = began
		for i := m.next(began); i >= 0; i = m.next(began) {
			now = m.start(i, now)
			m.end(i, now)
		}
	}
}

// drawModel draws tasks that come at random moments, all different, and fail at random.
func drawModel(t *rapid.T) (m *model, rnd *rand.Rand) {
	rnd = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	m = &model{}
	ids := rapid.IntRange(1, 20).Draw(t, "ids")
	longest := rapid.Int64Range(1, 400).Draw(t, "longest cleanup") * int64(time.Millisecond)
	added := time.Duration(0)
	for range rapid.IntRange(1, 50).Draw(t, "tasks") {
		added += time.Duration(1 + rnd.Int64N(100*int64(time.Millisecond)))
		k := &task{id: strconv.Itoa(rnd.IntN(ids)), added: added, ready: added}
		for ok := false; !ok; ok = rnd.IntN(3) > 0 {
			k.takes = append(k.takes, time.Duration(1+rnd.Int64N(longest)))
		}
		m.tasks = append(m.tasks, k)
	}
	return m, rnd
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
			r.Add(k.id, strconv.Itoa(i), 0, r.clock.Now())
			r.Wake()
		}
	})
	return r
}

func (r *replay) sleepUntil(at time.Duration) { time.Sleep(at - time.Since(r.began)) }

// Whatever comes and fails, and however long it takes: workers begin each try at the very moment at
// which the model does. So each job waits for those only that were ready before it.
func TestModelOfWorkers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, _ := drawModel(rt)
		workers := rapid.IntRange(1, 5).Draw(rt, "workers")
		var got []start
		bubble(t, func(t *testing.T) {
			r := newReplay(t, m.tasks, workers)
			stop := r.run()
			time.Sleep(time.Hour)
			stop()
			require.Zero(t, r.pending())
			got = r.starts
		})
		m.work(workers)
		require.Equal(rt, m.starts, got)
	})
}

// Sweeps at any moments make the tries that the model makes, in its order.
func TestModelOfSweeps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, rnd := drawModel(rt)
		moments := make([]time.Duration, rapid.IntRange(1, 50).Draw(rt, "sweeps"))
		for i := range moments {
			moments[i] = time.Duration(rnd.Int64N(int64(5 * second)))
		}
		slices.Sort(moments)
		var got []start
		bubble(t, func(t *testing.T) {
			r := newReplay(t, m.tasks, 8)
			for _, moment := range moments {
				r.sleepUntil(moment)
				r.sweep()
			}
			got = r.starts
			r.added.Wait()
		})
		m.sweep(moments)
		require.Equal(rt, m.starts, got)
	})
}
