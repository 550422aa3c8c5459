package asynclog

import (
	"context"
	"log/slog"

	"github.com/hostlife/hostlife/clock"
)

// begin starts the goroutine that writes, if it may exist and there are lines. The caller holds mu.
// Between Start and Stop no line waits unless a goroutine is writing, because queue and writing are
// checked under mu, here and in end.
func (l *Log) begin(may bool) {
	if may && !l.writing && (len(l.queue) > 0 || l.losses.due()) {
		l.writing = true
		go l.drain()
	}
}

// drain writes until the queue is empty. If the handler ends its goroutine, another one goes on.
func (l *Log) drain() {
	defer l.end()
	for x, ok := l.next(); ok; x, ok = l.next() {
		l.write(x)
	}
}

// end lets another goroutine write. If there are lines, it starts one: the handler has ended this
// one, or lines have come meanwhile. It starts none if Stop has given up.
func (l *Log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing, l.stuck = false, false
	l.begin(!l.leave)
	l.leave = false
	if !l.writing && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// next takes the first line out of the queue. If lines were lost, it first returns a line about
// that.
func (l *Log) next() (x line, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck = false
	switch {
	case l.leave:
		return x, false
	case l.losses.due():
		return l.losses.line(), true
	case len(l.queue) == 0:
		l.queue = nil
		return x, false
	}
	x = l.queue[0]
	l.queue[0] = line{}
	l.queue = l.queue[1:]
	return x, true
}

// write hands a line to the handler, and survives a panic there. The handler may end the goroutine.
func (l *Log) write(x line) {
	written := false
	defer func() {
		_ = recover() // the handler cannot be told: it is what failed
		if !written {
			l.mu.Lock()
			l.losses.add(1+x.more, false)
			l.mu.Unlock()
		}
	}()
	h := l.to
	for _, derive := range x.with {
		h = derive(h)
	}
	written = !h.Enabled(x.ctx, x.record.Level) || h.Handle(x.ctx, x.record) == nil
}

// losses counts lines that were not written. A line about those that found no room is a kind of
// its own.
type losses struct {
	all    uint64
	untold uint64 // that found no room since the last line about them
	pace   Pace   // of the lines about them
	now    int64  // the latest time that is known
}

func (s *losses) add(lines uint64, untold bool) {
	s.all += lines
	if untold {
		s.untold += lines
	}
}

func (s *losses) due() bool { return s.untold > 0 && !s.pace.Holds(s.now) }

// line returns a line about the lines that found no room.
func (s *losses) line() line {
	r := slog.NewRecord(clock.System().Now(), slog.LevelWarn, "log lines were lost: the handler is too slow", 0)
	r.AddAttrs(slog.Uint64("lines", s.untold))
	s.untold = 0
	s.pace.Line(s.now)
	return line{ctx: context.Background(), record: r}
}
