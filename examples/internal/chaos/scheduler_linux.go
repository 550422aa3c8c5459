package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/procs"
)

// A scheduler is a place for processes: one, or one after another.
type scheduler struct {
	round  *round
	number int
	addr   string
	conn   *grpc.ClientConn
	lives  int
	name   string // of the latest process
	proc   *procs.Proc
	dead   bool
}

// startSchedulers starts all, and waits until they take contacts.
func (r *round) startSchedulers() error {
	for i := range r.cfg.Schedulers {
		s := &scheduler{round: r, number: i, addr: r.net.next() + ":8002"}
		var err error
		if s.conn, err = grpc.NewClient(s.addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			return err
		}
		if err = s.start(); err != nil {
			return err
		}
		r.schedulers = append(r.schedulers, s)
	}
	for _, s := range r.schedulers {
		if err := r.until(startLimit, s.serves); err != nil {
			return fmt.Errorf("%s does not serve: %w", s.name, err)
		}
	}
	return nil
}

// living returns the schedulers that run.
func (r *round) living() (all []*scheduler) {
	for _, s := range r.schedulers {
		if !s.dead {
			all = append(all, s)
		}
	}
	return all
}

// victim returns one of the schedulers.
func (r *round) victim() *scheduler { return r.schedulers[r.rnd.IntN(len(r.schedulers))] }

// start starts a process. Its name says which life it is: scheduler-1, scheduler-1b.
func (s *scheduler) start() error {
	s.name = fmt.Sprintf("scheduler-%d", s.number+1)
	if s.lives > 0 {
		s.name += string(rune('a' + s.lives))
	}
	s.lives++
	args := []string{"-listen", s.addr, "-with-stdin", "-history", s.round.historyOf(s.name), "-lapse", s.round.cfg.Lapse.String()}
	if !s.round.cfg.Alone {
		args = append(args, "-share", s.round.engine.url(s.number), "-share-name", s.name)
	}
	s.round.log.Add(history.Entry{Kind: history.Started, Process: s.name, Peer: s.addr})
	var err error
	s.proc, err = s.round.start(s.name, s.round.cfg.Program, "scheduler", args...)
	s.dead = err != nil
	return err
}

func (r *round) historyOf(process string) string { return filepath.Join(r.dir, process+suffix) }

// start starts a program, or this one if there is none, in a role. What it prints goes to a file.
func (r *round) start(name, program, role string, args ...string) (*procs.Proc, error) {
	if program == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program, args = exe, append([]string{role}, args...)
	}
	out, err := os.Create(filepath.Join(r.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	p, err := r.procs.Start(name, cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// serves reports whether the scheduler takes contacts.
func (s *scheduler) serves() bool {
	ctx, cancel := context.WithTimeout(s.round.ctx, time.Second)
	defer cancel()
	h, err := grpc_health_v1.NewHealthClient(s.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err == nil && h.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
}

// hosts returns the ids of all hosts, or nil if the scheduler does not answer.
func (s *scheduler) hosts() map[string]bool {
	ctx, cancel := context.WithTimeout(s.round.ctx, time.Second)
	defer cancel()
	answer, err := schedulerv2.NewSchedulerClient(s.conn).ListHosts(ctx, &schedulerv2.ListHostsRequest{})
	if err != nil {
		return nil
	}
	ids := map[string]bool{}
	for _, h := range answer.GetHosts() {
		ids[h.GetId()] = true
	}
	return ids
}

// kill kills the process.
func (s *scheduler) kill() {
	e := history.Entry{Kind: history.Killed, Process: s.name, Began: history.Now()}
	s.dead = true
	s.proc.Kill()
	s.round.log.Add(e)
}

// end ends the process by SIGTERM, so that it says goodbye.
func (s *scheduler) end() error {
	e := history.Entry{Kind: history.Killed, Process: s.name, Began: history.Now(), Note: "it has ended by itself"}
	s.dead = true
	s.proc.Signal(syscall.SIGTERM)
	err := s.round.until(startLimit, func() bool {
		gone, _ := s.proc.Exited()
		return gone
	})
	if _, how := s.proc.Exited(); err != nil || how != nil {
		return fmt.Errorf("%s does not end well: %w", s.name, errors.Join(err, how))
	}
	s.round.log.Add(e)
	return nil
}

// stopped stops the process while f runs.
func (s *scheduler) stopped(f func() error) error {
	return s.round.disturbs(s.name, "stopped", func() error {
		s.proc.Signal(syscall.SIGSTOP)
		defer s.proc.Signal(syscall.SIGCONT)
		return f()
	})
}

var errNoView = errors.New("it has not written down its hosts")

// writeView makes the process write down its hosts, and returns what it wrote.
func (s *scheduler) writeView() (view *history.Entry, err error) {
	asked := history.Now()
	s.proc.Signal(syscall.SIGUSR1)
	err = s.round.until(startLimit, func() bool {
		if gone, _ := s.proc.Exited(); gone {
			return true
		}
		entries, err := history.Read(s.round.historyOf(s.name))
		if err == nil {
			view = viewIn(entries, asked)
		}
		return view != nil
	})
	if gone, how := s.proc.Exited(); gone {
		return nil, fmt.Errorf("%s has exited: %w", s.name, errors.Join(errNoView, how))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", s.name, errNoView, err)
	}
	return view, nil
}

// viewIn returns the last view that was written down after a time, or nil. Entries that are written
// at the same moment may be in another order than their times.
func viewIn(entries []history.Entry, since int64) *history.Entry {
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Kind == history.View && entries[i].At >= since {
			return &entries[i]
		}
	}
	return nil
}
