package eventlog

// Start starts a goroutine that writes after each Kick, until stop is called. The goroutine then
// writes what is left, once. stop waits for it, but no longer than the grace period if a Write
// hangs. The goroutine then ends when that Write returns, and Start may be called again meanwhile.
func (l *Log) Start() (stop func()) {
	if l == nil {
		return func() {}
	}
	stopping, ended := make(chan struct{}), make(chan struct{})
	go l.run(stopping, ended)
	return func() {
		close(stopping)
		l.await(ended)
	}
}

// run writes until stopping is closed, and then closes ended. If the writer ends its goroutine, run
// goes on on another one.
//
// It ends, whatever is recorded meanwhile: there is one Write more after stopping is seen, of all
// records that were made before.
func (l *Log) run(stopping, ended chan struct{}) {
	last := false
	defer func() {
		if !last {
			go l.run(stopping, ended)
			return
		}
		close(ended)
	}()
	for !last {
		select {
		case <-l.wake:
		case <-stopping:
			last = true
		}
		l.writing <- struct{}{} // a Flush, or an earlier run that hung, may be writing
		l.writeBatch(l.takeBatch())
	}
}
