package eventlog

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
)

// reportPause is the time from one call of Failed to the next. A full disk fails at each record.
const reportPause = time.Second

// Flush writes the records that there are now, by one Write, and waits for it, but no longer than
// the grace period. The Write has a goroutine of its own, which ends with it. If another goroutine
// is writing, Flush returns at once. So it waits for one Write that hangs only once, and a writer
// may call Flush.
//
// Records that are made during the Write are left to the next Flush. Otherwise a writer that is
// slower than the events, or that makes records itself, would never let the caller return.
func (l *Log) Flush() {
	if l == nil {
		return
	}
	select {
	case l.writing <- struct{}{}:
	default:
		return
	}
	b := l.takeBatch()
	if b.records == 0 {
		<-l.writing
		return
	}
	written := make(chan struct{})
	go func() {
		defer close(written) // also if the writer ends this goroutine
		l.writeBatch(b)
	}()
	l.await(written)
}

// await waits for a goroutine that writes, and reports that it hangs.
func (l *Log) await(ended <-chan struct{}) {
	select {
	case <-ended:
	case <-l.cfg.Grace():
		l.cfg.Hung()
	}
}

// writeBatch writes a batch, and lets other goroutines write.
func (l *Log) writeBatch(b batch) {
	defer func() { <-l.writing }()
	if b.records > 0 {
		l.write(b)
	}
}

func (l *Log) takeBatch() batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batch
	if b.records > 0 {
		l.batch, l.spare = batch{buf: l.spare[:0]}, nil
	}
	return b
}

// write passes a batch to the writer. It handles an error, a panic and an end of the goroutine.
func (l *Log) write(b batch) {
	if l.header != nil {
		b.buf = append(slices.Clone(l.header), b.buf...)
	}
	err := errors.New("the writer ended its goroutine") // unless Write returns or panics
	defer func() { l.finish(b, err) }()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the writer panicked: %v\n%s", p, debug.Stack())
		}
	}()
	n, failure := l.cfg.Writer.Write(b.buf)
	if err = failure; err == nil && n < len(b.buf) {
		err = io.ErrShortWrite
	}
}

// finish counts a batch as written or lost, and reports the loss if a report is due.
func (l *Log) finish(b batch, err error) {
	if err == nil {
		l.header = nil
		l.countWritten(b)
		return
	}
	if records := l.countLost(b, l.cfg.Now()); records > 0 {
		l.cfg.Failed(records, err)
	}
}

func (l *Log) countWritten(b batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reuse(b.buf)
	l.stats.Records += b.records
}

// countLost returns how many records to report; 0 if the last report is less than a second ago.
func (l *Log) countLost(b batch, now int64) (records uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reuse(b.buf)
	l.pendingLost += b.records + b.lost
	l.separate()
	l.stats.Lost += b.records
	l.stats.Failures++
	l.unreported += b.records
	if now < l.reportAt {
		return 0
	}
	records, l.unreported, l.reportAt = l.unreported, 0, now+int64(reportPause)
	return records
}

// separate makes the next record begin on a new line, wherever the failed Write has ended. The
// caller holds l.mu.
func (l *Log) separate() {
	if len(l.buf) > 0 {
		l.buf = append([]byte{'\n'}, l.buf...)
	} else {
		l.torn = true
	}
}

// reuse keeps a buffer for the next batch, unless it is large. The caller holds l.mu.
func (l *Log) reuse(buf []byte) {
	if cap(buf) <= maxSpare {
		l.spare = buf
	}
}
