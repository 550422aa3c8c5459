package cleanup

import (
	"container/list"
	"iter"
)

// A cursor is the place of a loop over Pending. A job that is removed moves the cursors that are at
// it. So a loop holds the lock only for a few jobs at a time.
type cursor struct {
	at   *list.Element // in Queue.pending; nil at the end
	last uint64        // the latest job when the loop began
}

const maxAhead = 256 // jobs that a loop reads at a time

// Pending yields the tasks of the jobs that are pending when the loop begins, in the order of Add.
// Each is as it was shortly before its turn; it may be done since. No lock is held over the loop
// body.
func (q *Queue[D]) Pending() iter.Seq[Task[D]] {
	return func(yield func(Task[D]) bool) {
		c := q.openCursor()
		defer q.closeCursor(c)
		var tasks []Task[D]
		for tasks = q.advance(c, tasks); len(tasks) > 0; tasks = q.advance(c, tasks[:0]) {
			for _, t := range tasks {
				if !yield(t) {
					return
				}
			}
		}
	}
}

func (q *Queue[D]) openCursor() *cursor {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := &cursor{at: q.pending.Front(), last: q.added}
	if q.cursors == nil {
		q.cursors = map[*cursor]struct{}{}
	}
	q.cursors[c] = struct{}{}
	return c
}

func (q *Queue[D]) closeCursor(c *cursor) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.cursors, c)
}

// advance appends the next tasks.
func (q *Queue[D]) advance(c *cursor, to []Task[D]) []Task[D] {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; c.at != nil && len(to) < maxAhead; c.at = c.at.Next() {
		j := c.at.Value.(*Job[D])
		if j.number > c.last {
			break
		}
		to = append(to, j.task())
	}
	return to
}

// task returns the task of a job. The caller holds the lock.
func (j *Job[D]) task() Task[D] {
	t := Task[D]{ID: j.host.id, Registration: j.registration, Value: j.d, Due: j.due, Tries: j.triedBefore + j.tries}
	if j.host.first == j && j.host.place != nil { // a try is under way
		t.Tries++
	}
	return t
}

// unlist removes a job from those that are pending. The caller holds the lock.
func (q *Queue[D]) unlist(j *Job[D]) {
	for c := range q.cursors {
		if c.at == j.place {
			c.at = j.place.Next()
		}
	}
	q.pending.Remove(j.place)
}
