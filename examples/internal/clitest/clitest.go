// Package clitest runs a command within a test, and waits for what it prints.
package clitest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

// Deadline is how long a test waits for a condition before it fails.
const Deadline = 30 * time.Second

// A Process is a command that runs within a test.
type Process struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of the command; to be read when ended is closed

	mu    sync.Mutex // guards all below
	text  string     // the output so far
	wrote chan struct{}
}

// Start starts a command. It ends with the test at the latest.
func Start(t *testing.T, run cli.Command, args ...string) *Process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Process{t: t, cancel: cancel, ended: make(chan struct{}), wrote: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = run(ctx, args, p, io.Discard)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

// Write appends to the output of the command.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text += string(b)
	close(p.wrote)
	p.wrote = make(chan struct{})
	return len(b), nil
}

// Output returns the output so far, and a channel that is closed when there is more.
func (p *Process) Output() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.wrote
}

// After waits for a text in the output, and returns the rest of its line.
func (p *Process) After(text string) string {
	p.t.Helper()
	for deadline := time.After(Deadline); ; {
		all, more := p.Output()
		if _, rest, ok := strings.Cut(all, text); ok && strings.Contains(rest, "\n") {
			line, _, _ := strings.Cut(rest, "\n")
			return line
		}
		select {
		case <-more:
		case <-p.ended:
			if again, _ := p.Output(); again == all {
				p.t.Fatalf("the command ended (%v) without %q: %s", p.err, text, all)
			}
		case <-deadline:
			p.t.Fatalf("no %q in %s", text, all)
		}
	}
}

// Interrupt does what SIGINT does, and returns the error of the command.
func (p *Process) Interrupt() error {
	p.cancel()
	return p.Wait()
}

var errHangs = errors.New("the command does not end")

// Wait waits for the end of the command, and returns its error.
func (p *Process) Wait() error {
	select {
	case <-p.ended:
		return p.err
	case <-time.After(Deadline):
		return errHangs
	}
}

// Eventually waits for a condition. It asks every few milliseconds.
func Eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(Deadline)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}
