package schedulerd

import (
	"cmp"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
)

// A task is what its peers have in common. It is there as long as one of them is.
type task struct {
	id, url          string
	kind             commonv2.TaskType
	state            string
	peers            uint32 // of all hosts
	created, updated time.Time
}

const taskSize = 300 // in addition to its texts, as for peers

func (t *task) size() int64 { return int64(taskSize + len(t.id) + len(t.url)) }

// report records what a peer reports of its task. An empty state changes nothing but the time.
func (t *task) report(state string, now time.Time) {
	t.state, t.updated = cmp.Or(state, t.state), now
}

// tasks are those of all peers. The lock of the peerStore guards them.
type tasks struct {
	byID map[string]*task
	peak int // the most tasks since byID was made
}

func newTasks() tasks { return tasks{byID: map[string]*task{}} }

// growth returns by how many bytes put would grow the tasks.
func (ts *tasks) growth(t *task) int64 {
	if old := ts.byID[t.id]; old != nil {
		return t.size() - old.size()
	}
	return t.size()
}

// put describes a task as its latest peer does. joins is true if that peer is a new one. put returns
// by how many bytes the tasks have grown.
func (ts *tasks) put(t task, joins bool) (growth int64) {
	growth = ts.growth(&t)
	if old := ts.byID[t.id]; old != nil {
		t.peers, t.created, t.id = old.peers, old.created, old.id
	}
	if joins {
		t.peers++
	}
	ts.byID[t.id] = &t
	ts.peak = max(ts.peak, len(ts.byID))
	return growth
}

// leave notes that a task has a peer less. It returns how many bytes are freed, if the peer was the
// last one.
func (ts *tasks) leave(id string) (freed int64) {
	t := ts.byID[id]
	if t.peers--; t.peers > 0 {
		return 0
	}
	delete(ts.byID, id)
	shrink(&ts.byID, &ts.peak)
	return t.size()
}
