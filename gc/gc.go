// Package gc runs periodic tasks, such as garbage collections, on a [clock.Clock]. A registry of
// package hostmgr does not need it: Run of the registry sweeps by itself.
//
// A [GC] holds tasks. [GC.Run] runs each task every [Task.Interval] until its context ends, and
// returns when all runs have returned. [GC.RunNow] runs one task at once. [GC.RunNext] gives its
// caller a run of its own, in turn. For every task:
//
//   - Its runs never overlap. RunNow joins a run in flight, and RunNext queues behind it. A tick
//     during a run is dropped, and later ticks keep their times.
//   - A run that hangs is visible while it hangs. A dropped tick is counted at once. The 1st, 2nd,
//     4th and 8th dropped tick of a run, and so on, are logged. [TaskStats] says when the run
//     started. The run delays no other task.
//   - A [Task.Timeout] cancels the context of a run, by the GC's clock. So do Remove, the end of
//     Run, and the last caller of RunNow or RunNext that stops waiting.
//   - Its errors, panics and calls of runtime.Goexit are counted and logged, and affect no other
//     task.
//
// A task must return when its context ends: Run waits for it, and its next run starts only then. No
// goroutine exists unless Run, RunNow or RunNext was called.
package gc

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// The errors of this package are wrapped with details: use errors.Is.
var (
	// ErrInvalid: a Config or a Task has an invalid value. The message says which and why.
	ErrInvalid = errors.New("gc: invalid")
	// ErrDuplicateTask: a task with that ID exists already.
	ErrDuplicateTask = errors.New("gc: duplicate task")
	// ErrUnknownTask: no task has that ID.
	ErrUnknownTask = errors.New("gc: unknown task")
	// ErrRunning: another Run of the same GC has not returned yet.
	ErrRunning = errors.New("gc: already running")
	// ErrRemoved: the task was removed. It is the cause of the context of the run in flight.
	ErrRemoved = errors.New("gc: task removed")
	// ErrReentrant: a run of a task called RunNow or RunNext for the same task, and would wait for
	// itself.
	ErrReentrant = errors.New("gc: task called RunNow or RunNext for itself")
	// ErrPanic: a run panicked, or called runtime.Goexit.
	ErrPanic = errors.New("gc: task panicked")
)

// Config configures a [GC]. Its zero value works.
type Config struct {
	// Clock says when tasks and timeouts are due. The default is [clock.System]. The After of a
	// fake clock waits for a reading, not for time to pass, so a step back delays each pending
	// After.
	Clock clock.Clock
	// Logger receives failures. Errors and panics have level Error. Timeouts, and runs that are in
	// flight at their task's next tick, have Warn. Cancelled runs have Debug. The default logs
	// nothing.
	//
	// Lines of one task and message are summarised. The first one is written at once. While more
	// come, the pause between two grows from 1 s to 10 s, by Clock. The attribute "more" of a line
	// says how many other lines it stands for. The lines of the last pause are summarised at a later
	// tick or run of any task, or when Run ends. When no line has come for 10 s after a pause, the
	// next pause is 1 s again.
	//
	// Logger may block, panic, or call the GC. Lines wait for it in a bounded queue. A separate
	// goroutine writes them during Run and during each run of a task. If the queue is full, lines
	// are lost, and their number is logged. The last call of Run or RunNow to return waits until
	// all lines are written. If Logger blocks, that call waits for a second and leaves the
	// goroutine behind.
	Logger *slog.Logger
}

// A GC runs tasks periodically. Its methods may be called concurrently, and by tasks. They take a
// nil context for context.Background(). A task must not wait for Run of its own GC to return: both
// would wait forever.
type GC struct {
	clock  clock.Clock
	waiter *clock.Waiter // of Run until its loops have their own
	lines  *asynclog.Log // in front of the embedder's handler; started while Run or a run goes on

	mu      sync.Mutex         // guards the fields below; held to look and to change, never to wait
	tasks   map[string]*task   // by ID
	flights map[string]*flight // by ID: the runs in flight, those of removed tasks included
	session *session           // the Run that has not returned, or nil
}

// A task is a Task that was added.
type task struct {
	Task                  // its Interval is guarded by GC.mu, and the rest never changes
	logger  *slog.Logger  // puts lines into GC.lines
	removed chan struct{} // closed by Remove
	stats   *stats

	set    time.Time     // when Interval was replaced; guarded by GC.mu
	waiter *clock.Waiter // of its last loop, for SetInterval to wake; nil: there was none; guarded by GC.mu
	queue  queue         // the runs to come; guarded by GC.mu
}

// New returns a GC without tasks, or an error that wraps ErrInvalid.
func New(config Config) (*GC, error) {
	config, err := config.normalize()
	if err != nil {
		return nil, err
	}
	return &GC{
		clock:   config.Clock,
		waiter:  clock.NewWaiter(config.Clock),
		lines:   asynclog.New(config.Logger, func() int64 { return config.Clock.Now().UnixNano() }, func() {}),
		tasks:   make(map[string]*task),
		flights: make(map[string]*flight),
	}, nil
}

// normalize fills in defaults. Only a Clock that is a nil pointer is invalid: its first use, within
// Add or Run, would panic.
func (c Config) normalize() (Config, error) {
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if v := reflect.ValueOf(c.Clock); v.Kind() == reflect.Pointer && v.IsNil() {
		return c, fmt.Errorf("%w: Config.Clock is a nil %T", ErrInvalid, c.Clock)
	}
	return c, nil
}

// Add adds a task, before Run or while it runs. The task first runs one period after both Add and
// Run have been called. It returns ErrInvalid or ErrDuplicateTask.
func (g *GC) Add(added Task) error {
	if err := added.validate(); err != nil {
		return err
	}
	t := &task{Task: added, logger: g.lines.Logger(added.ID), removed: make(chan struct{}), stats: &stats{}}
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tasks[t.ID] != nil {
		return fmt.Errorf("%w %q", ErrDuplicateTask, t.ID)
	}
	g.tasks[t.ID] = t
	if g.session != nil {
		g.session.start(g, t, now)
	}
	return nil
}

// Remove removes a task, and reports whether there was a task with that ID. It cancels the context
// of a run in flight, with the cause ErrRemoved. It does not wait for the run, so a task may remove
// itself. Callers whose run has not started get ErrRemoved. The ID is free at once, but a new task
// with that ID does not run before the old run has returned.
func (g *GC) Remove(id string) bool {
	t, f, queued := g.take(id)
	if t == nil {
		return false
	}
	close(t.removed)
	if f != nil && f.task == t {
		f.cancel(ErrRemoved)
	}
	for _, f := range queued {
		f.refuse(ErrRemoved)
	}
	return true
}

// take removes the task from the map, so that one caller of Remove gets it, and no further run of
// it starts. It also returns the run in flight, or nil, and the runs that waited for it.
func (g *GC) take(id string) (t *task, f *flight, queued []*flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t = g.tasks[id]
	if t == nil {
		return nil, nil, nil
	}
	delete(g.tasks, id)
	return t, g.flights[id], t.queue.empty()
}

// task returns the task with that ID, or nil.
func (g *GC) task(id string) *task {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tasks[id]
}
