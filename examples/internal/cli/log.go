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
	lastWords  = time.Second // for an output that hangs, at the end
)

// Logger returns a logger that writes to w in a format: text or json. Only flush waits for w, for
// at most a second. So a pipe that is not read does not block the callers of the logger. Lines that
// find no room are lost, and a later line says how many.
func Logger(format string, w io.Writer) (log *slog.Logger, flush func(), err error) {
	handler, err := handlerOf(format)
	if err != nil {
		return nil, nil, err
	}
	q := &queue{w: w, own: slog.New(handler(w))}
	return slog.New(handler(q)), q.flush, nil
}

// Aside returns a writer to w that never waits for w, which may be a full pipe, and a function that
// waits until all is written, for at most a second.
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

// A queue takes whole lines. A goroutine writes them; it exists only while there are lines.
type queue struct {
	w   io.Writer
	own *slog.Logger // writes to w

	mu   sync.Mutex // guards all below; not held while w is written to
	text []byte
	lost int           // lines, since the last line about lost lines
	idle chan struct{} // closed when all is written; nil if all is
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

// say writes an error as the last output of a command.
func say(w io.Writer, text string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = fmt.Fprintln(w, Printable(text))
	}()
	within(lastWords, done)
}

// within waits until a channel is closed, for at most d.
func within(d time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
