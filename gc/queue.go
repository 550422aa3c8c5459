package gc

import "container/list"

// A queue holds the runs of a task that wait for the run in flight. The run that came first starts
// first. Without a run in flight under the task's ID it is empty: clear ends the record of a
// flight, and then starts the first run in the queue.
//
// It has no limit of its own: each run in it has at least one caller that waits, and the last
// caller that leaves takes the run out. So its length is at most the number of waiting callers.
type queue struct{ flights list.List }

func (q *queue) push(f *flight) { f.place = q.flights.PushBack(f) }

// first returns the run that starts next, or nil.
func (q *queue) first() *flight {
	e := q.flights.Front()
	if e == nil {
		return nil
	}
	return e.Value.(*flight)
}

// pop takes out the run that starts next, and returns it, or nil.
func (q *queue) pop() *flight {
	f := q.first()
	if f != nil {
		q.drop(f)
	}
	return f
}

// drop takes a run out, if it is in the queue. It takes one step, wherever the run is.
func (q *queue) drop(f *flight) {
	if f.place != nil {
		q.flights.Remove(f.place)
		f.place = nil
	}
}

// empty takes all runs out, and returns them in their order.
func (q *queue) empty() (all []*flight) {
	for f := q.pop(); f != nil; f = q.pop() {
		all = append(all, f)
	}
	return all
}
