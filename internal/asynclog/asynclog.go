// Package asynclog takes log lines without waiting for the handler that writes them.
//
// A library that logs through its embedder's [slog.Handler] runs the embedder's code. That may
// block (stderr is a pipe without a reader), panic, end its goroutine, or call the library. A [Log]
// is between the two: its Logger puts lines into a bounded queue and returns.
//
// Between Start and Stop a goroutine writes the lines; it exists only while there are lines.
// Otherwise Flush writes them, on the caller's goroutine. One goroutine writes at a time, in the
// order of the queue. A line that finds no room, or that the handler fails on, is lost and counted.
// When there is room again, a line says how many lines found none.
//
// The package is not a logger: it does not format lines, and only the handler filters them. All
// methods are safe for concurrent use.
package asynclog

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	room  = 1024        // lines in the queue
	grace = time.Second // how long Stop waits for a handler that hangs
)

// A Log is a queue of lines in front of a handler. Make one with New.
type Log struct {
	to slog.Handler // nil: lines are thrown away

	mu      sync.Mutex // guards all below; never held while the handler runs
	queue   []line
	lost    uint64
	untold  uint64        // lines that found no room since the last line about lost lines
	starts  int           // calls of Start, less those of Stop
	writing bool          // a goroutine takes lines and hands them over
	stuck   bool          // Stop has given up the line that is being written
	leave   bool          // Stop has given up the other lines too, until Start is called
	idle    chan struct{} // closed when writing ends; nil: nothing waits for that
}

// A line waits in the queue.
type line struct {
	ctx    context.Context
	record slog.Record
	with   []derivation // in the order of the calls
}

// A derivation is a call of WithAttrs or WithGroup. It is made when the line is written.
type derivation func(slog.Handler) slog.Handler

// New returns a Log in front of to's handler. If to is nil, lines are thrown away.
func New(to *slog.Logger) *Log {
	l := &Log{}
	if to != nil {
		l.to = to.Handler()
	}
	return l
}

// Logger returns a logger that queues lines. It never blocks, and runs no code of the handler.
func (l *Log) Logger() *slog.Logger {
	if l.to == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(handler{log: l})
}

// Lost returns the number of lines that were not written: they found no room, or the handler
// returned an error, panicked or ended its goroutine.
func (l *Log) Lost() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Start lets a separate goroutine write lines, until Stop was called as often as Start.
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
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	idle := l.idle
	l.mu.Unlock()
	select {
	case <-idle:
	case <-clock.System().After(grace):
		l.giveUp()
	}
}

// giveUp prevents later calls of Stop from waiting for the same line.
func (l *Log) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck, l.leave = l.writing, l.writing && l.starts == 0
}

// Flush writes the lines that are in the queue now, on the caller's goroutine. If another goroutine
// is writing, Flush leaves the lines to that.
func (l *Log) Flush() {
	l.mu.Lock()
	lines := len(l.queue)
	free := lines > 0 && !l.writing
	l.writing = l.writing || free
	l.mu.Unlock()
	if !free {
		return
	}
	defer l.end(false) // the handler may end the goroutine
	for range lines {
		if x, ok := l.next(); ok {
			l.write(x)
		}
	}
}

// put puts a line into the queue.
func (l *Log) put(x line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= room {
		l.lost++
		l.untold++
		return
	}
	l.queue = append(l.queue, x)
	l.begin(l.starts > 0)
}

// begin starts the goroutine that writes, if it may exist and there are lines. The caller holds mu.
// Between Start and Stop no line waits unless a goroutine is writing, because queue and writing are
// checked under mu, here and in end.
func (l *Log) begin(may bool) {
	if may && len(l.queue) > 0 && !l.writing {
		l.writing = true
		go l.drain()
	}
}

// end lets another goroutine write. A new one starts for lines in the queue if Start was called, or
// if the handler has ended the goroutine that Stop waits for.
func (l *Log) end(unfinished bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing, l.stuck = false, false
	l.begin(l.starts > 0 || unfinished && !l.leave)
	l.leave = false
	if !l.writing && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// drain writes until the queue is empty. If the handler ends its goroutine, another one goes on.
func (l *Log) drain() {
	defer l.end(true)
	for x, ok := l.next(); ok; x, ok = l.next() {
		l.write(x)
	}
}

// next takes the first line out of the queue. If lines were lost, it first returns a line about
// that.
func (l *Log) next() (x line, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck = false
	if l.leave {
		return x, false
	}
	if len(l.queue) == 0 {
		l.queue = nil
		return x, false
	}
	x = l.queue[0]
	if l.untold > 0 {
		x = line{ctx: context.Background(), record: lostLine(x.record.Time, l.untold)}
		l.untold = 0
		return x, true
	}
	l.queue[0] = line{}
	l.queue = l.queue[1:]
	return x, true
}

func lostLine(at time.Time, lines uint64) slog.Record {
	r := slog.NewRecord(at, slog.LevelWarn, "log lines were lost: the handler is too slow", 0)
	r.AddAttrs(slog.Uint64("lines", lines))
	return r
}

// write hands a line to the handler, and survives a panic there. The handler may end the goroutine.
func (l *Log) write(x line) {
	written := false
	defer func() {
		_ = recover() // the handler cannot be told: it is what failed
		if !written {
			l.mu.Lock()
			l.lost++
			l.mu.Unlock()
		}
	}()
	h := l.to
	for _, derive := range x.with {
		h = derive(h)
	}
	written = !h.Enabled(x.ctx, x.record.Level) || h.Handle(x.ctx, x.record) == nil
}

// A handler puts lines into a queue.
type handler struct {
	log  *Log
	with []derivation
}

// Enabled takes all levels. The handler decides when the line is written.
func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.log.put(line{ctx, r.Clone(), h.with})
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.derived(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h handler) WithGroup(name string) slog.Handler {
	return h.derived(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h handler) derived(d derivation) slog.Handler {
	return handler{h.log, append(slices.Clip(h.with), d)}
}
