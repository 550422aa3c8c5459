// Package tracker gives tasks to workers, and takes back the tasks of a worker that departs.
package tracker

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Interval is the time between the announces of a worker.
const Interval = 30 * time.Second

// A Tracker is a service with workers. Each worker announces itself by HTTP.
type Tracker struct {
	workers *hostmgr.Registry[struct{}]

	mu    sync.Mutex          // guards tasks and queue
	tasks map[uint64][]string // by the registration of the worker
	queue []string
}

// New returns a Tracker on a clock. A nil clock is the system's.
func New(c clock.Clock) (*Tracker, error) {
	t := &Tracker{tasks: map[uint64][]string{}}
	var err error
	t.workers, err = hostmgr.New(hostmgr.Config[struct{}]{Clock: c, Cleanup: t.takeBack})
	return t, err
}

// Run detects silent workers until ctx ends.
func (t *Tracker) Run(ctx context.Context) error { return t.workers.Run(ctx) }

// ServeHTTP takes the announce of a worker. The worker chooses its incarnation when it starts.
func (t *Tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	incarnation, err := strconv.ParseUint(r.FormValue("incarnation"), 10, 64)
	if err == nil {
		_, err = t.workers.Announce(hostmgr.Announcement[struct{}]{
			ID: r.FormValue("worker"), Incarnation: incarnation, Interval: Interval,
		})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// Give gives one more task to a worker. It fails if the worker is not registered.
func (t *Tracker) Give(worker, task string) error {
	host, ok := t.workers.Get(worker)
	if !ok {
		return hostmgr.ErrUnknownHost
	}
	return t.workers.While(worker, host.Registration, func() error { // before takeBack, or not at all
		t.mu.Lock()
		defer t.mu.Unlock()
		t.tasks[host.Registration] = append(t.tasks[host.Registration], task)
		return nil
	})
}

// Queue returns the tasks that were taken back.
func (t *Tracker) Queue() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.queue)
}

// takeBack is the cleanup of a worker.
func (t *Tracker) takeBack(_ context.Context, d hostmgr.Departure[struct{}]) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, t.tasks[d.Host.Registration]...)
	delete(t.tasks, d.Host.Registration) // a later try finds nothing
	return nil
}
