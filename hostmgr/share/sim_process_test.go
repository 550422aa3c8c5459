package share

import (
	"sync"
	"time"
)

// A process is what one simulated member runs in. It is the clock of its registry, and can be
// frozen as by SIGSTOP: then its goroutines stop when they next read the clock, or use the network.
type process struct {
	mu     sync.Mutex    // guards thawed and dead
	thawed chan struct{} // closed at the end of the freeze; nil if the process is not frozen
	dead   bool
}

// freeze stops the process for some time.
func (p *process) freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thawed != nil || p.dead {
		return
	}
	thawed := make(chan struct{})
	p.thawed = thawed
	time.AfterFunc(d, func() { p.thaw(thawed) })
}

func (p *process) thaw(thawed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thawed == thawed && thawed != nil {
		p.thawed = nil
		close(thawed)
	}
}

// kill ends the process. What still runs of it must have no effect.
func (p *process) kill() {
	p.mu.Lock()
	p.dead = true
	thawed := p.thawed
	p.mu.Unlock()
	p.thaw(thawed)
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// pass waits while the process is frozen.
func (p *process) pass() {
	for {
		p.mu.Lock()
		thawed := p.thawed
		p.mu.Unlock()
		if thawed == nil {
			return
		}
		<-thawed
	}
}

func (p *process) Now() time.Time {
	p.pass()
	return time.Now()
}

func (p *process) Since(t time.Time) time.Duration { return p.Now().Sub(t) }

func (p *process) After(d time.Duration) <-chan time.Time { return time.After(d) }
