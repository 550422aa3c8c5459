package cli

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	maxWaiting = 16 << 20    // bytes of lines: a burst of some ten thousand
	lastWords  = time.Second // that an output that hangs is given in the end
)

// Logger writes lines to w in a format: text or json. It waits for w only in flush, and there no
// longer than a second: if w is a pipe that is not read, what logs goes on. Lines that find no room
// are lost, and a line says how many.
func Logger(format string, w io.Writer) (log *slog.Logger, flush func(), err error) {
	handler, err := handlerOf(format)
	if err != nil {
		return nil, nil, err
	}
	q := &queue{w: w, own: slog.New(handler(w))}
	return slog.New(handler(q)), q.flush, nil
}

// Aside returns a writer to w that never waits for it, and a function that waits until all is
// written, no longer than a second: w may be a pipe that is full and not read.
func Aside(w io.Writer) (aside io.Writer, flush func()) {
	q := &queue{w: w, own: slog.New(slog.DiscardHandler)}
	return q, q.flush
}

func handlerOf(format string) (func(io.Writer) slog.Handler, error) {
	switch format {
	case "text":
		return func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }, nil
	case "json":
		return func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }, nil
	}
	return nil, Usagef("-log %q is neither text nor json", format)
}

// A queue takes whole lines, and has a goroutine write them that exists while there are some.
type queue struct {
	w   io.Writer
	own *slog.Logger // writes to w

	mu   sync.Mutex // guards all below; not held while w is written to
	text []byte
	lost int           // lines, since a line said so
	idle chan struct{} // closed when all is written; nil: it is
}

// Write takes one line. It never fails.
func (q *queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.text)+len(line) > maxWaiting {
		q.lost++
		return len(line), nil
	}
	q.text = append(q.text, line...)
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.drain()
	}
	return len(line), nil
}

func (q *queue) drain() {
	for text, lost := q.take(); len(text) > 0; text, lost = q.take() {
		_, _ = q.w.Write(text)
		if lost > 0 {
			q.own.Warn("log lines were lost: they are read too slowly", "lines", lost)
		}
	}
}

func (q *queue) take() (text []byte, lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	text, lost = q.text, q.lost
	q.text, q.lost = nil, 0
	if len(text) == 0 {
		close(q.idle)
		q.idle = nil
	}
	return text, lost
}

// flush waits until all lines are written, but not for an output that hangs.
func (q *queue) flush() {
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	if idle != nil {
		within(lastWords, idle)
	}
}

// say writes an error that is the last thing a command says.
func say(w io.Writer, text string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = fmt.Fprintln(w, Printable(text))
	}()
	within(lastWords, done)
}

// within waits until a channel is closed, or so long.
func within(d time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
