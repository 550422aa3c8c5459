package hostmgr

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	writeGrace = time.Second // that Run, when it ends, gives a Write that hangs
	logPause   = time.Second // from one line about Writes that fail to the next
)

// write writes what there is now, by one Write, unless another goroutine is writing. What is
// recorded meanwhile is left to the next Sweep: a writer that is slower than the records come,
// or that makes records itself, must not keep this one.
func (r *Registry[M]) write() {
	if r.recorder == nil {
		return
	}
	select {
	case r.recorder.gate <- struct{}{}:
		r.writeOnce()
	default:
	}
}

// writeOnce writes what there is, and lets go of the gate.
func (r *Registry[M]) writeOnce() {
	c := r.recorder
	defer func() { <-c.gate }()
	r.mu.Lock()
	b := c.batch
	c.batch, c.spare = batch{buf: c.spare[:0]}, nil
	r.unlock()
	if b.kept > 0 {
		r.hand(b)
	}
}

// hand hands lines to the writer, and survives whatever that does.
func (r *Registry[M]) hand(b batch) {
	c, err := r.recorder, errors.New("the writer ended its goroutine")
	if c.begin != nil {
		b.buf = append(slices.Clone(c.begin), b.buf...)
	}
	defer func() {
		if err == nil {
			c.begin = nil
		}
		r.handed(b, err)
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the writer panicked: %v\n%s", p, debug.Stack())
		}
	}()
	n, err2 := c.writer.Write(b.buf)
	if err = err2; err == nil && n < len(b.buf) {
		err = io.ErrShortWrite
	}
}

// handed counts what was written, or lost. Failures are logged once a second at most.
func (r *Registry[M]) handed(b batch, err error) {
	now := r.time.now()
	if unsaid := r.account(b, err, now); unsaid > 0 {
		r.cfg.Logger.Error("the flight recorder failed", "records", unsaid, "err", brief(err))
	}
}

// account takes in the outcome of a Write. It returns how many records were lost since that was
// logged, if it is time to log it again.
func (r *Registry[M]) account(b batch, err error, now int64) (unsaid uint64) {
	c := r.recorder
	r.mu.Lock()
	defer r.unlock()
	if cap(b.buf) <= maxSpare {
		c.spare = b.buf
	}
	if err == nil {
		r.counts.Records += b.kept
		return 0
	}
	if c.lost += b.kept + b.told; len(c.buf) > 0 {
		c.buf = append([]byte{'\n'}, c.buf...)
	} else {
		c.torn = true
	}
	r.counts.RecordsLost += b.kept
	r.counts.RecorderFailures++
	c.unsaid += b.kept
	if now < c.sayAt {
		return 0
	}
	unsaid, c.unsaid, c.sayAt = c.unsaid, 0, now+int64(logPause)
	return unsaid
}

// startRecorder has a goroutine write while Run runs. What it returns ends that: the goroutine
// writes what is left, once, and is waited for. A Write that hangs is given a second of real time,
// whatever the time is on the Clock, and is then left behind; the goroutine ends when it returns.
func (r *Registry[M]) startRecorder() (stop func()) {
	if r.recorder == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go r.recordOn(end, ended)
	return func() {
		close(end)
		select {
		case <-ended:
		case <-clock.System().After(writeGrace):
			r.cfg.Logger.Error("the flight recorder hangs: Run ends without it")
		}
	}
}

// recordOn writes until the end. If the writer ends its goroutine it goes on on another.
//
// It ends, whatever is recorded meanwhile: after the end there is one Write more, of all that was
// recorded before.
func (r *Registry[M]) recordOn(end, ended chan struct{}) {
	over := false
	defer func() {
		if !over {
			go r.recordOn(end, ended)
			return
		}
		close(ended)
	}()
	for !over {
		select {
		case <-r.recorder.kick:
		case <-end:
			over = true
		}
		r.recorder.gate <- struct{}{} // a Sweep by hand, or of another Run, may be writing
		r.writeOnce()
	}
}
