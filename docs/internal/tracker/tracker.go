// Package tracker gives tasks to workers, and takes back the task of a worker that departs.
package tracker

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Interval is the time between the announces of a worker.
const Interval = 30 * time.Second

// A Tracker is a service with workers. Each worker announces itself by HTTP.
type Tracker struct {
	workers *hostmgr.Registry[string]

	mu    sync.Mutex // guards tasks and queue
	tasks map[string]string
	queue []string
}

// New returns a Tracker on a clock. A nil clock is the system's.
func New(c clock.Clock) (*Tracker, error) {
	t := &Tracker{tasks: map[string]string{}}
	var err error
	t.workers, err = hostmgr.New(hostmgr.Config[string]{Clock: c, Cleanup: t.takeBack})
	return t, err
}

// Run detects silent workers until ctx ends.
func (t *Tracker) Run(ctx context.Context) error { return t.workers.Run(ctx) }

// ServeHTTP takes the announce of a worker.
func (t *Tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := hostmgr.Announcement[string]{ID: r.FormValue("worker"), Metadata: r.RemoteAddr, Interval: Interval}
	if _, err := t.workers.Announce(a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// Give gives a task to a worker.
func (t *Tracker) Give(worker, task string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks[worker] = task
}

// Queue returns the tasks that were taken back.
func (t *Tracker) Queue() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queue
}

// takeBack is the cleanup of a worker.
func (t *Tracker) takeBack(_ context.Context, d hostmgr.Departure[string]) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if task, ok := t.tasks[d.Host.ID]; ok {
		delete(t.tasks, d.Host.ID)
		t.queue = append(t.queue, task)
	}
	return nil
}
