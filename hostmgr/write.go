package hostmgr

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// write writes what there is, unless somebody is at it.
func (r *Registry[M]) write() {
	c := r.recorder
	if c == nil {
		return
	}
	select {
	case c.gate <- struct{}{}:
	default:
		return
	}
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
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the writer panicked: %v\n%s", p, debug.Stack())
		}
		r.handed(b, err)
	}()
	_, err = c.writer.Write(b.buf)
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
	c.torn, c.lost = true, c.lost+b.kept+b.told
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
		r.write()
	}
}
