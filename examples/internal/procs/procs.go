// Package procs starts processes, and makes sure that none outlives this one.
package procs

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// A Group is the processes that this one has started.
//
// On an orderly end, Ctrl-C included, KillAll kills them. If this process is killed, the stdin of
// each child ends, and a child that reads it exits. One that is stopped by SIGSTOP at that moment
// doesn't read: on Linux the kernel kills it (Pdeathsig); on other Unixes its process group, which
// is its own, is orphaned while it is stopped, and gets SIGHUP and SIGCONT, as POSIX demands.
//
// Linux sends Pdeathsig when the thread ends that forked, not the process. So all are forked by one
// thread, which a goroutine holds until KillAll has killed them.
type Group struct {
	fork  chan func()
	ended chan struct{} // closed when KillAll has killed all
	end   sync.Once

	mu     sync.Mutex // guards all below
	all    []*Proc
	closed bool // KillAll was called: no more
}

// A Proc is a child process.
type Proc struct {
	ID   string
	Cmd  *exec.Cmd
	Done chan struct{} // closed when it has exited
	err  error         // how; to be read when Done is closed
}

// New returns a Group without processes.
func New() *Group {
	g := &Group{fork: make(chan func()), ended: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		for {
			select {
			case f := <-g.fork:
				f()
			case <-g.ended:
				return
			}
		}
	}()
	return g
}

var errEnds = errors.New("not started: everything is being stopped")

// Start starts a command. Its stdin is a pipe that ends with this process.
func (g *Group) Start(id string, cmd *exec.Cmd) (*Proc, error) {
	p := &Proc{ID: id, Cmd: cmd, Done: make(chan struct{})}
	cmd.SysProcAttr = childAttr()
	cmd.WaitDelay = time.Second
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	select {
	case g.fork <- func() { started <- g.forkOne(p) }:
		return p, <-started
	case <-g.ended:
		return nil, errEnds
	}
}

// forkOne holds mu while it forks, so that KillAll sees every child or none more comes.
func (g *Group) forkOne(p *Proc) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errEnds
	}
	if err := p.Cmd.Start(); err != nil {
		return err
	}
	g.all = append(g.all, p)
	go func() {
		p.err = p.Cmd.Wait()
		close(p.Done)
	}()
	return nil
}

// KillAll kills every process, stopped ones too, and waits until they are gone. No other one starts
// from then on.
func (g *Group) KillAll() {
	g.mu.Lock()
	g.closed = true
	all := g.all
	g.mu.Unlock()
	for _, p := range all {
		p.Signal(os.Kill)
	}
	for _, p := range all {
		<-p.Done
	}
	g.end.Do(func() { close(g.ended) })
}

// PID returns the process id.
func (p *Proc) PID() int { return p.Cmd.Process.Pid }

// Signal does nothing if the process has exited.
func (p *Proc) Signal(s os.Signal) { _ = p.Cmd.Process.Signal(s) }

// Kill kills the process, and waits until it is gone.
func (p *Proc) Kill() {
	p.Signal(os.Kill)
	<-p.Done
}

// Exited reports whether the process is gone, and how it ended.
func (p *Proc) Exited() (gone bool, err error) {
	select {
	case <-p.Done:
		return true, p.err
	default:
		return false, nil
	}
}
