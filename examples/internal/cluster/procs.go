package cluster

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"

	children "github.com/hostlife/hostlife/examples/internal/procs"
)

// procs starts processes, and makes sure that none outlives this one.
type procs struct {
	stderr io.Writer
	group  *children.Group
}

// A proc is a child process.
type proc struct {
	*children.Proc
	id   string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
}

func newProcs(stderr io.Writer) *procs { return &procs{stderr: stderr, group: children.New()} }

// start starts this executable in a role.
func (ps *procs) start(role, id string, args []string, read func(line []byte) bool) (*proc, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return ps.startProgram(exe, id, append([]string{role}, args...), read)
}

// startProgram starts a program. Every line that it prints is passed to read; those that read does
// not want are shown on stderr.
func (ps *procs) startProgram(path, id string, args []string, read func(line []byte) bool) (*proc, error) {
	out := func(line []byte) {
		if !read(line) {
			_, _ = fmt.Fprintf(ps.stderr, "%s: %s\n", id, line)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &lineWriter{out: out}, &lineWriter{out: out}
	p, err := ps.group.Start(id, cmd)
	if err != nil {
		return nil, err
	}
	return &proc{Proc: p, id: id, cmd: cmd, done: p.Done}, nil
}

// killAll kills every process, stopped ones too, and waits until they are gone.
func (ps *procs) killAll() { ps.group.KillAll() }

func (p *proc) pid() int { return p.PID() }

// signal does nothing if the process has exited.
func (p *proc) signal(s os.Signal) { p.Signal(s) }

// exitedWell reports whether the process has exited with 0.
func (p *proc) exitedWell() bool {
	gone, err := p.Exited()
	return gone && err == nil
}

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
