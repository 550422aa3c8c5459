package members

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/machine"
)

// A Process is a member, seen from the program. Its methods give it orders, and wait for the answer.
// One goroutine at a time may use it.
type Process struct {
	Begun   Begun
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	ended   bool
}

// Start starts this executable as a member. It is killed when ctx ends, or this process.
func Start(ctx context.Context, log io.Writer, b Begin) (*Process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), memberEnv+"="+b.Name)
	cmd.SysProcAttr, cmd.Stderr = machine.ChildAttr(), log
	p := &Process{cmd: cmd}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.give("begin", b, &p.Begun); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

// PID is the process id, or 0 after the process has ended.
func (p *Process) PID() int {
	if p.ended {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *Process) give(do string, args, result any) error {
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(p.in).Encode(order{do, text}); err != nil {
		return fmt.Errorf("member, %s: %w", do, err)
	}
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("member, %s: no answer: %w", do, err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("member, %s: %w", do, err)
	}
	if a.Error != "" {
		return fmt.Errorf("member, %s: %s", do, a.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

// Announce registers the hosts that are at home here.
func (p *Process) Announce(j Join) (took time.Duration, err error) {
	return took, p.give("announce", j, &took)
}

// Burst has these hosts make a contact at once. It returns the time after the last one.
func (p *Process) Burst(j Join) (last int64, err error) { return last, p.give("burst", j, &last) }

// Change announces hosts with other metadata, and returns when, by the number of the change.
func (p *Process) Change(c Change) (sent map[int]int64, err error) {
	return sent, p.give("change", c, &sent)
}

// Await waits for a number of hosts, and returns when it was reached.
func (p *Process) Await(u Until) (at int64, err error) { return at, p.give("await", u, &at) }

// Follow has the hosts make their contacts by a schedule. Nil stops them.
func (p *Process) Follow(s *Schedule) error { return p.give("follow", s, nil) }

// Lasts returns when each mortal made its last contact here.
func (p *Process) Lasts() (lasts map[int]int64, err error) {
	return lasts, p.give("lasts", nil, &lasts)
}

// Watch begins to note what becomes visible here.
func (p *Process) Watch() error { return p.give("watch", nil, nil) }

// Seen returns what has become visible since Watch.
func (p *Process) Seen() (seen Seen, err error) { return seen, p.give("seen", nil, &seen) }

// Unwatch ends Watch.
func (p *Process) Unwatch() error { return p.give("unwatch", nil, nil) }

// Figures returns the figures of the process.
func (p *Process) Figures() (f Figures, err error) { return f, p.give("figures", nil, &f) }

// Stop ends the member in good order, and its process.
func (p *Process) Stop() error {
	if p.ended {
		return nil
	}
	err := p.give("stop", nil, nil)
	_ = p.in.Close()
	p.ended = true
	return errors.Join(err, p.cmd.Wait())
}

// Kill ends the process as SIGKILL does.
func (p *Process) Kill() error {
	if p.ended {
		return nil
	}
	p.ended = true
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // its error says that the process was killed
	return err
}
