// Package eventlog turns events into lines of text and writes them to an io.Writer that may be
// slow, hang, fail, panic, or end its goroutine.
//
// A record is put together in memory, in about a microsecond, and never waits for the writer. The
// buffer is bounded: a record that finds no room is lost and counted, and the next line says how
// many were lost. Under [Log.Start] one goroutine writes; without it, [Log.Flush] starts one. One
// goroutine writes at a time, and each Write gets all records that there are.
//
// It is not a logger: it has no levels, no handlers and no clock of its own. It does not know what
// the keys of a record mean; package flight documents the format and reads it.
//
// All methods are safe for concurrent use. Lock order: a caller may hold its own locks when it
// calls Begin, because this package calls nothing back while its mutex is held. It must hold none
// of them when it calls Flush, or the stop of Start, because these run the writer or wait for it.
package eventlog

import (
	"io"
	"sync"
	"time"
)

const (
	defaultBuffer = 16 << 20 // bytes
	maxSpare      = 1 << 20  // bytes of a written buffer that are kept for the next one
)

// Config says where a Log writes and what it calls. All fields are required, except where they say
// otherwise.
type Config struct {
	// Writer gets the lines. If it is nil, New returns nil, which is a Log that records nothing.
	Writer io.Writer
	// Header adds the fields of the first line, which is of kind begin. It is called by New.
	Header func(Record)
	// Failed reports Writes that failed, by the error of the last one, and the number of records
	// that were lost in them since the last report. It is called at most once a second by Now.
	Failed func(records uint64, err error)
	// Hung reports that a Write was still running when the grace period was over.
	Hung func()
	// Now returns the time in nanoseconds. It is called after a Write that failed.
	Now func() int64
	// Grace starts the grace period: a channel that receives when stop, or Flush, shall wait no
	// longer for a Write that hangs. It goes by real time, because a clock that stands still must
	// not hold them up.
	Grace func() <-chan time.Time
	// Buffer is how many bytes of lines may wait for the writer before records are lost; the last
	// record that finds room may exceed it. 0: 16 MiB.
	Buffer int
}

// A Log is a bounded buffer of records in front of a writer. Make one with New. On a nil Log all
// methods do nothing.
type Log struct {
	cfg     Config
	wake    chan struct{} // there are records to write; one slot
	writing chan struct{} // one slot: the goroutine that has filled it may write
	header  []byte        // precedes the first Write that succeeds, then nil; guarded by writing

	mu sync.Mutex // guards the fields below; held from Begin to End, never during a Write
	batch
	spare       []byte // the buffer of an earlier Write, to be used again
	pendingLost uint64 // lost records that no line tells of yet
	torn        bool   // the last Write failed, so its last line may be incomplete
	stats       Stats
	unreported  uint64 // records lost in Writes since the last call of Failed
	reportAt    int64  // the earliest time of the next call of Failed
}

// A batch is what one Write gets.
type batch struct {
	buf     []byte
	records uint64 // in buf
	lost    uint64 // records that lines in buf say are lost
}

// Stats counts records and Writes since New. A Write that fails may have written some of its
// records; all of them count as lost.
type Stats struct {
	Records  uint64 // written
	Lost     uint64 // found no room, or were in a Write that failed
	Failures uint64 // Writes that failed
}

// New returns a Log whose first line says when it began. It writes nothing yet.
func New(c Config) *Log {
	if c.Writer == nil {
		return nil
	}
	if c.Buffer == 0 {
		c.Buffer = defaultBuffer
	}
	l := &Log{cfg: c, wake: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
	l.buf = append(l.buf, '\n') // the last line of an earlier process may be incomplete
	first := l.Begin("begin", 0)
	c.Header(first)
	first.End()
	l.header, l.batch = l.buf, batch{}
	return l
}

// Stats returns the counts so far.
func (l *Log) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Kick makes the goroutine of Start write the records that there are. It never blocks. It is
// separate from End so that no goroutine is woken while the caller holds a lock.
func (l *Log) Kick() {
	if l == nil {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default: // it will be woken anyway
	}
}
