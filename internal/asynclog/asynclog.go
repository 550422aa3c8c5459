// Package asynclog takes log lines without waiting for the handler that writes them.
//
// A library that logs through its embedder's [slog.Handler] runs the embedder's code. That may
// block (stderr is a pipe without a reader), panic, end its goroutine, or call the library. A [Log]
// is between the two: its Logger puts lines into a bounded queue and returns.
//
// Lines with one message are of one kind. The queue takes one line of a kind, and after it none for
// a pause, which is 1 s at first and 10 s at most. The next line of the kind says how many others it
// stands for: see [Log.Logger] and [Pace].
//
// A goroutine writes the lines. It exists only while there are lines: between Start and Stop, and
// for a Flush. One goroutine writes at a time, in the order of the queue. A line that finds no
// room, or that the handler fails on, is lost and counted. When there is room again, a line says
// how many lines found none.
//
// The package is not a logger: it does not format lines, and only the handler filters them. All
// methods are safe for concurrent use.
package asynclog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	room  = 1024        // lines in the queue
	grace = time.Second // how long Stop and Flush wait for a handler that hangs
)

// A Log is a queue of lines in front of a handler. Make one with New.
type Log struct {
	to   slog.Handler // nil: lines are thrown away
	now  func() int64 // the time by which lines are summarised; called with no lock held
	wake func()       // Due has become earlier; called with no lock held

	mu      sync.Mutex // guards all below; never held while the handler or now runs
	queue   []line
	kinds   map[kind]*summary // that had a line lately, or have lines to tell of
	losses  losses
	starts  int           // calls of Start, less those of Stop
	writing bool          // a goroutine takes lines and hands them over
	stuck   bool          // Stop or Flush has given up the line that is being written
	leave   bool          // Stop has given up the other lines too, until Start is called
	idle    chan struct{} // closed when writing ends; nil: nothing waits for that
}

// A line waits in the queue.
type line struct {
	ctx    context.Context
	record slog.Record
	with   []derivation // in the order of the calls
	more   uint64       // lines of its kind that it stands for, itself not included
}

// A derivation is a call of WithAttrs or WithGroup. It is made when the line is written.
type derivation func(slog.Handler) slog.Handler

// New returns a Log in front of to's handler. If to is nil, lines are thrown away. now returns a
// time in nanoseconds. It may go back; a line then counts as the first of its kind. wake is called
// when Due becomes earlier, on the goroutine that logs.
func New(to *slog.Logger, now func() int64, wake func()) *Log {
	l := &Log{now: now, wake: wake, kinds: make(map[kind]*summary)}
	if to != nil {
		l.to = to.Handler()
	}
	return l
}

// Logger returns a logger that queues lines. It never blocks, and runs no code of the handler.
//
// A line of one message and one subject is a kind. The first line of a kind is queued at once.
// Further lines are counted in the pause that follows: see [Pace]. The next line that is queued has
// their number as its attribute "more". If no line follows, Tick queues the latest of those that
// were counted. So, for each kind, lines + more = calls, once Summarize has been called.
func (l *Log) Logger(subject string) *slog.Logger {
	if l.to == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(handler{log: l, subject: subject})
}

// Direct returns a logger that queues each line. It is for lines that are sums, whose caller spaces
// them with a Pace of its own.
func (l *Log) Direct() *slog.Logger {
	if l.to == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(handler{log: l, direct: true})
}

// Lost returns the number of lines that were not written: they found no room, or the handler
// returned an error, panicked or ended its goroutine. A line that stands for others counts with
// them.
func (l *Log) Lost() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.losses.all
}

// Start lets a goroutine write lines as they come, until Stop was called as often as Start.
func (l *Log) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starts++
	l.leave = false
	l.begin(true)
}

// Stop undoes one Start. The last one waits until all lines are written. If the handler hangs, it
// waits no longer than a second of real time, whatever the embedder's clock says. The goroutine
// then ends when the handler returns, and lines in the queue wait for the next Start or Flush.
func (l *Log) Stop() {
	l.mu.Lock()
	l.starts--
	if l.starts > 0 || !l.writing || l.stuck {
		l.leave = l.stuck && l.starts == 0
		l.mu.Unlock()
		return
	}
	idle := l.whenIdle()
	l.mu.Unlock()
	l.wait(idle, true)
}

// Flush writes the lines that there are, and those of Tick, and waits until they are written. If
// the handler hangs, it waits no longer than a second of real time. A goroutine then remains until
// the lines are written. Flush returns at once if another goroutine is writing, so it waits for one
// line that hangs only once. A handler may call Flush.
func (l *Log) Flush() {
	l.Tick()
	l.mu.Lock()
	if l.writing {
		l.mu.Unlock()
		return
	}
	if l.begin(true); !l.writing {
		l.mu.Unlock()
		return
	}
	idle := l.whenIdle()
	l.mu.Unlock()
	l.wait(idle, false)
}

// whenIdle returns a channel that is closed when writing ends. The caller holds mu.
func (l *Log) whenIdle() <-chan struct{} {
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	return l.idle
}

// wait waits for the end of writing, but not long. Then it prevents later calls of Stop from
// waiting for the same line. If leave is true the goroutine writes no other line.
func (l *Log) wait(idle <-chan struct{}, leave bool) {
	select {
	case <-idle:
		return
	case <-clock.System().After(grace):
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck = l.writing
	l.leave = leave && l.writing && l.starts == 0
}

// put puts a line into the queue, or loses it. The caller holds mu.
func (l *Log) put(x line) {
	if len(l.queue) >= room {
		l.losses.add(1+x.more, true)
		return
	}
	if x.more > 0 {
		x.record.AddAttrs(slog.Uint64("more", x.more))
	}
	l.queue = append(l.queue, x)
	l.begin(l.starts > 0)
}
