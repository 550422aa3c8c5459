package lag

import (
	"context"
	"runtime"
)

// A driver runs Run on a thread that does nothing else, so that its processor time
// is that of Run.
type driver struct {
	thread int
	cancel context.CancelFunc
	done   chan error
}

// drive keeps the thread locked for good: it ends with the goroutine.
func drive(ctx context.Context, run func(context.Context) error) *driver {
	ctx, cancel := context.WithCancel(ctx)
	d := &driver{cancel: cancel, done: make(chan error, 1)}
	thread := make(chan int)
	go func() {
		runtime.LockOSThread()
		thread <- threadID()
		d.done <- run(ctx)
	}()
	d.thread = <-thread
	return d
}

// stop waits until Run has returned.
func (d *driver) stop() error {
	d.cancel()
	return <-d.done
}
