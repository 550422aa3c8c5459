// Package engine starts the servers that members share, and connects to them.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// The kinds of engines.
const (
	Redis = "redis"
	Etcd  = "etcd"
)

// startLimit is how long an engine may take until it answers.
const startLimit = 20 * time.Second

// ErrMissing means that the program of the engine is not installed. The error says how to install it.
var ErrMissing = errors.New("the program is missing")

// An Engine is a server of its own process, with an empty table, on a free port of this machine.
type Engine struct {
	Kind, Addr string
	cmd        *exec.Cmd
	said       bytes.Buffer // by the server; read after it has ended
	dir        string
	ended      bool
}

// Start starts an engine, and waits until it answers. It is killed when ctx ends, or this process.
func Start(ctx context.Context, kind string) (*Engine, error) {
	e := &Engine{Kind: kind}
	program, hint, args, err := e.command()
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; to install it: apt-get install %s", program, ErrMissing, hint)
	}
	if e.dir, err = os.MkdirTemp("", "hostlife-engine-"); err != nil {
		return nil, err
	}
	e.cmd = exec.CommandContext(ctx, path, args...)
	e.cmd.Dir, e.cmd.SysProcAttr, e.cmd.Stdout, e.cmd.Stderr = e.dir, machine.ChildAttr(), &e.said, &e.said
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.dir))
	}
	if err := e.await(ctx); err != nil {
		stopped := e.Stop()
		return nil, errors.Join(err, stopped, fmt.Errorf("%s says: %s", program, &e.said))
	}
	return e, nil
}

func (e *Engine) command() (program, hint string, args []string, err error) {
	if e.Addr, err = freeAddr(); err != nil {
		return "", "", nil, err
	}
	switch e.Kind {
	case Redis:
		return "redis-server", "redis-server", redisArgs(e.Addr), nil
	case Etcd:
		peer, err := freeAddr()
		return "etcd", "etcd-server", etcdArgs(e.Addr, peer), err
	}
	return "", "", nil, fmt.Errorf("no such engine: %q", e.Kind)
}

// freeAddr returns an address that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// await waits until the engine answers.
func (e *Engine) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("%s does not answer", e.Kind))
	defer cancel()
	for {
		err := e.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (e *Engine) ping(ctx context.Context) error {
	if e.Kind == Redis {
		return pingRedis(ctx, e.Addr)
	}
	return pingEtcd(ctx, e.Addr)
}

// PID is the process id, or 0 after the process has ended.
func (e *Engine) PID() int {
	if e.ended {
		return 0
	}
	return e.cmd.Process.Pid
}

// CPU is the processor time that the engine has taken.
func (e *Engine) CPU() (time.Duration, error) {
	if e.Kind == Redis {
		return redisCPU(e.Addr)
	}
	return machine.Of(e.PID())
}

// Stop kills the engine, and removes its data.
func (e *Engine) Stop() error {
	if e.ended {
		return nil
	}
	e.ended = true
	err := e.cmd.Process.Kill()
	_ = e.cmd.Wait() // its error says that the process was killed
	return errors.Join(err, os.RemoveAll(e.dir))
}

// Open connects to the table of an engine. The connection is to be closed after the Store was used.
func Open(kind, addr string) (share.Store, func() error, error) {
	if kind == Redis {
		return openRedis(addr)
	}
	return openEtcd(addr)
}
