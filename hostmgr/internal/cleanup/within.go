package cleanup

import (
	"bytes"
	"context"
	"runtime"
	"strconv"

	"github.com/hostlife/hostlife/hostmgr/internal/calls"
)

// A runner is a goroutine that runs cleanups, one at a time, at a place of its own.
type runner[D any] struct {
	q     *Queue[D]
	place *calls.Place
	left  bool // its cleanup was left behind: the place is not its own any more
}

func (q *Queue[D]) newRunner(ctx context.Context, free func()) *runner[D] {
	ctx = context.WithValue(ctx, q, true) // for within
	return &runner[D]{q: q, place: q.calls.NewPlace(ctx, free)}
}

// run calls f and then ended, also if f ends the goroutine.
func (r *runner[D]) run(f, ended func()) {
	defer ended()
	defer r.q.addRunner()()
	f()
}

// within reports whether the caller is within a cleanup of this queue, and whether it is within a
// Use. A cleanup is known by its context, or because the goroutine is a runner.
//
// The context alone is not enough: a cleanup may call the registry with another one, or with a
// method that has none. The goroutine is known by its number in the first line of its stack trace,
// as golang.org/x/net/http2 does it. If a later Go prints another line, only the context counts.
// Rejected:
//   - labels of runtime/pprof: a goroutine cannot read its own;
//   - the functions in the call stack: they do not tell one queue from another;
//   - a count of nested calls: it does not tell a nested call from one on another goroutine.
//
// A trace takes some microseconds, so within asks only while there are runners or Uses. A goroutine
// that a cleanup starts is not within it, unless it uses the context. If it waits for another
// cleanup, it waits as any caller does, and the time limit ends that.
func (q *Queue[D]) within(ctx context.Context) (cleanup, use bool) {
	cleanup = ctx.Value(q) != nil
	q.mu.Lock()
	some := len(q.runners) > 0 || len(q.uses.callers) > 0
	q.mu.Unlock()
	if some {
		runs, uses := q.roles(goroutine())
		return cleanup || runs, uses
	}
	return cleanup, false
}

// roles returns whether a goroutine is a runner, and whether it is within a Use.
func (q *Queue[D]) roles(goroutine uint64) (runs, uses bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, runs = q.runners[goroutine]
	return runs, q.uses.callers[goroutine] > 0
}

// addRunner notes that the current goroutine is a runner, until remove is called.
func (q *Queue[D]) addRunner() (remove func()) {
	number := goroutine()
	if number == 0 {
		return func() {}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runners[number] = struct{}{}
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.runners, number)
	}
}

// goroutine returns the number of the current goroutine, which no other goroutine ever gets. It
// returns 0 if the number is not found in "goroutine 18 [running]:".
func goroutine() uint64 {
	var line [40]byte
	text := bytes.TrimPrefix(line[:runtime.Stack(line[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
