// Package gc runs periodic tasks, such as garbage collections, on a [clock.Clock].
//
// A [GC] holds tasks. [GC.Run] runs each of them every [Task.Interval] until its context ends, and
// returns when all have returned; [GC.RunNow] runs one at once. This holds for every task:
//
//   - Its runs never overlap: RunNow joins a run in flight, a tick that comes meanwhile is dropped,
//     and the ticks after it come when they would have come anyway.
//   - A run that hangs is seen while it does: a dropped tick is counted when it comes, the 1st, 2nd,
//     4th, 8th of a run and so on are logged, and [TaskStats] says since when the run is in flight.
//     It delays no other task.
//   - A [Task.Timeout] cancels the context of a run, by the GC's clock. So do Remove, the end of
//     Run, and the last RunNow caller who leaves.
//   - Its error, panic or call of runtime.Goexit is counted and logged, and touches no other task.
//
// A task must return when its context ends: Run waits for it, and no other run of it starts before.
// No goroutine exists unless Run or RunNow was called.
package gc

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/internal/asynclog"
)

// The errors of this package. They are wrapped in an error that says more: use errors.Is.
var (
	// ErrInvalid: a Config or a Task has a value that cannot be meant. The message says which and why.
	ErrInvalid = errors.New("gc: invalid")
	// ErrDuplicateTask: there is a task with that ID already.
	ErrDuplicateTask = errors.New("gc: duplicate task")
	// ErrUnknownTask: there is no task with that ID.
	ErrUnknownTask = errors.New("gc: unknown task")
	// ErrRunning: another Run of the same GC has not returned yet.
	ErrRunning = errors.New("gc: already running")
	// ErrRemoved: the task was removed. It is the cause of the context of the run in flight.
	ErrRemoved = errors.New("gc: task removed")
	// ErrReentrant: a run of a task called RunNow for the same task, and would wait for itself.
	ErrReentrant = errors.New("gc: task called RunNow for itself")
	// ErrPanic: a run panicked, or called runtime.Goexit.
	ErrPanic = errors.New("gc: task panicked")
)

// Config configures a [GC]. Its zero value works.
type Config struct {
	// Clock says when tasks and timeouts are due. The default is [clock.System]. If its After waits
	// for a reading, as those of fake clocks do, and not for time to pass, a step back of the clock
	// holds up what already waits.
	Clock clock.Clock
	// Logger receives what fails: errors and panics at level Error, timeouts at Warn, when they
	// strike, runs that are in flight at their task's next tick at Warn, and runs that were
	// cancelled at Debug. The default logs nothing.
	//
	// It may block, panic, or call the GC: lines wait for it in a bounded queue, and a goroutine of
	// their own writes them while Run or a run goes on. Lines that find no room are lost, and how
	// many is logged. The last call of Run or RunNow to return first waits until all lines are
	// written, but for a Logger that blocks no more than a second; it leaves that goroutine behind.
	Logger *slog.Logger
}

// A GC runs tasks periodically. Its methods may be called concurrently, and by tasks; but a task
// that waits for its own GC's Run to return waits for ever.
type GC struct {
	clock  clock.Clock
	lines  *asynclog.Log // in front of the embedder's handler; started while Run or a run goes on
	logger *slog.Logger  // puts lines there

	mu      sync.Mutex         // guards the fields below; held to look and to change, never to wait
	tasks   map[string]*task   // by ID
	flights map[string]*flight // by ID: the runs in flight, those of removed tasks included
	session *session           // the Run that has not returned, or nil
}

// A task is a Task that was added.
type task struct {
	Task
	removed chan struct{} // closed by Remove
	stats   *stats
	next    *flight // what callers of RunNow wait for that can't join the run in flight; guarded by GC.mu
}

// New returns a GC without tasks, or an error that wraps ErrInvalid.
func New(config Config) (*GC, error) {
	config, err := config.normalize()
	if err != nil {
		return nil, err
	}
	lines := asynclog.New(config.Logger)
	return &GC{
		clock:   config.Clock,
		lines:   lines,
		logger:  lines.Logger(),
		tasks:   make(map[string]*task),
		flights: make(map[string]*flight),
	}, nil
}

// normalize fills in defaults. Of all Configs only those are invalid whose Clock is a nil pointer:
// its first use would panic, within Add or Run.
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
	t := &task{Task: added, removed: make(chan struct{}), stats: &stats{}}
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

// Remove removes a task, and says whether there was one with that ID. The context of a run in
// flight is cancelled, its cause being ErrRemoved; Remove doesn't wait for it, so that a task may
// remove itself. The ID is free at once: a task added under it doesn't run before that run has
// returned.
func (g *GC) Remove(id string) bool {
	t, f, next := g.take(id)
	if t == nil {
		return false
	}
	close(t.removed)
	if f != nil && f.task == t {
		f.cancel(ErrRemoved)
	}
	if next != nil {
		next.refuse(ErrRemoved)
	}
	return true
}

// take removes the task from the map, so that one caller of Remove gets it, and no run of it starts
// any more. It also returns the run in flight and the one that waits for its turn.
func (g *GC) take(id string) (t *task, f, next *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t = g.tasks[id]
	if t == nil {
		return nil, nil, nil
	}
	next, t.next = t.next, nil
	delete(g.tasks, id)
	return t, g.flights[id], next
}

// task returns the task with that ID, or nil.
func (g *GC) task(id string) *task {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tasks[id]
}
