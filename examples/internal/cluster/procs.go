package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// procs starts processes, and makes sure that none outlives this one.
//
// On an orderly end, Ctrl-C included, killAll does that. If this process is
// killed, its children's stdin ends, and they exit. One that is stopped by
// SIGSTOP at that moment doesn't read: on Linux the kernel kills it (Pdeathsig);
// on other Unixes its process group, which is its own, is orphaned while it is
// stopped, and gets SIGHUP and SIGCONT, as POSIX demands.
//
// Linux sends Pdeathsig when the thread ends that forked, not the process: so
// all are forked by one thread, which a goroutine holds that never returns.
type procs struct {
	stderr io.Writer
	fork   chan func()

	mu     sync.Mutex // guards all below
	all    []*proc
	closed bool // killAll was called: no more
}

// A proc is a child process.
type proc struct {
	id   string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
	err  error         // how; to be read when done is closed
}

func newProcs(stderr io.Writer) *procs {
	p := &procs{stderr: stderr, fork: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range p.fork {
			f()
		}
	}()
	return p
}

// start starts this executable in a role. Every line that it prints is passed
// to read; those that read does not want are shown on stderr.
func (ps *procs) start(role, id string, args []string, read func(line []byte) bool) (*proc, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &proc{id: id, done: make(chan struct{}), cmd: exec.Command(exe, append([]string{role}, args...)...)}
	out := func(line []byte) {
		if !read(line) {
			_, _ = fmt.Fprintf(ps.stderr, "%s: %s\n", p.id, line)
		}
	}
	p.cmd.Stdout, p.cmd.Stderr = &lineWriter{out: out}, &lineWriter{out: out}
	p.cmd.SysProcAttr = childAttr()
	p.cmd.WaitDelay = time.Second
	if _, err := p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, ps.launch(p)
}

func (ps *procs) launch(p *proc) error {
	started := make(chan error, 1)
	ps.fork <- func() { started <- ps.forkOne(p) }
	return <-started
}

// forkOne holds mu while it forks, so that killAll sees every child or none more
// comes.
func (ps *procs) forkOne(p *proc) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return errors.New("not started: everything is being stopped")
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ps.all = append(ps.all, p)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return nil
}

// killAll kills every process, stopped ones too, and waits until they are gone.
func (ps *procs) killAll() {
	ps.mu.Lock()
	ps.closed = true
	all := ps.all
	ps.mu.Unlock()
	for _, p := range all {
		p.signal(os.Kill)
	}
	for _, p := range all {
		<-p.done
	}
}

func (p *proc) pid() int { return p.cmd.Process.Pid }

// signal does nothing if the process has exited.
func (p *proc) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// A lineWriter cuts what is written to it into lines.
type lineWriter struct {
	out  func(line []byte)
	rest []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		w.out(w.rest[:i])
		w.rest = w.rest[i+1:]
	}
}
