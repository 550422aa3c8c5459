package hostmgr

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
)

// write writes all there is, unless somebody is at it: then that one does, or who writes next.
func (r *Registry[M]) write() {
	for more := r.recorder != nil; more; {
		select {
		case r.recorder.gate <- struct{}{}:
			more = r.writeOnce()
		default:
			more = false
		}
	}
}

// writeOnce writes what there is, lets go of the gate, and tells whether that was anything.
func (r *Registry[M]) writeOnce() bool {
	c := r.recorder
	defer func() { <-c.gate }()
	r.mu.Lock()
	b := c.batch
	c.batch, c.spare = batch{buf: c.spare[:0]}, nil
	r.unlock()
	if b.kept > 0 {
		r.hand(b)
	}
	return b.kept > 0
}

// hand hands lines to the writer, and survives whatever that does.
func (r *Registry[M]) hand(b batch) {
	c, err := r.recorder, errors.New("the writer ended its goroutine")
	if c.begin != nil {
		b.buf = append(slices.Clone(c.begin), b.buf...)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the writer panicked: %v\n%s", p, debug.Stack())
		}
		if err == nil {
			c.begin = nil
		}
		r.handed(b, err)
	}()
	n, err2 := c.writer.Write(b.buf)
	if err = err2; err == nil && n < len(b.buf) {
		err = io.ErrShortWrite
	}
}

// handed counts what was written, or lost.
func (r *Registry[M]) handed(b batch, err error) {
	c := r.recorder
	if err != nil {
		r.cfg.Logger.Error("the flight recorder failed", "records", b.kept, "err", err)
	}
	r.mu.Lock()
	defer r.unlock()
	if cap(b.buf) <= maxSpare {
		c.spare = b.buf
	}
	if err == nil {
		r.counts.Records += b.kept
		return
	}
	if c.lost += b.kept + b.told; len(c.buf) > 0 {
		c.buf = append([]byte{'\n'}, c.buf...)
	} else {
		c.torn = true
	}
	r.counts.RecordsLost += b.kept
	r.counts.RecorderFailures++
}

// startRecorder has a goroutine write while Run runs. What it returns ends that, and writes
// what is left.
func (r *Registry[M]) startRecorder() (stop func()) {
	if r.recorder == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go r.recordOn(end, ended)
	return func() {
		close(end)
		<-ended
	}
}

// recordOn writes until the end. If the writer ends its goroutine it goes on on another.
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
		for more := true; more; {
			r.recorder.gate <- struct{}{} // a Sweep by hand may be at it still
			more = r.writeOnce()
		}
	}
}
