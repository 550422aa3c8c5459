package cluster

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// A scheduler is a scheduler process, or one after the other at the same address.
type scheduler struct {
	*source
	proc *proc
	api  *api
	away atomic.Bool // a scenario has stopped or killed it: it is not asked
}

// startSchedulers starts the schedulers, and waits until they listen.
func (t *trial) startSchedulers() error {
	for i := range max(1, t.cfg.Schedulers) {
		name := "scheduler"
		if t.isShared() {
			name = fmt.Sprintf("scheduler-%d", i+1)
		}
		s := &scheduler{source: t.log.newSource(name)}
		t.schedulers = append(t.schedulers, s)
		if err := t.launchScheduler(s, "127.0.0.1:0", t.cfg.HTTP); err != nil {
			return err
		}
	}
	t.timeline.wait("for processes to start")
	for _, s := range t.schedulers {
		if err := t.listens(s); err != nil {
			return err
		}
	}
	return nil
}

// isShared tells whether the schedulers share their hosts.
func (t *trial) isShared() bool { return t.cfg.Schedulers > 0 }

// launchScheduler starts a process. If it exits, the run is over, unless it is away.
func (t *trial) launchScheduler(s *scheduler, listen, http string) (err error) {
	var other firstLine
	read := func(b []byte) bool { return t.log.readFrom(s.source, b) || other.keep(b) }
	args := t.cfg.schedulerArgs(listen, http)
	if t.isShared() {
		s.proc, err = t.procs.startProgram(t.engine.scheduler, s.name, append(args, t.engine.args(s.name)...), read)
	} else {
		s.proc, err = t.procs.start("scheduler", s.name, args, read)
	}
	if err != nil {
		return err
	}
	t.timeline.event("started", s.name, "pid %d, policy %s", s.proc.pid(), t.cfg.Policy)
	go func(p *proc) {
		<-p.done
		if !s.away.Load() {
			t.cancel(errors.New("the " + s.name + " exited: " + p.cmd.ProcessState.String() + other.after(": ")))
		}
	}(s.proc)
	return nil
}

// listens waits until a scheduler listens, and takes part in the shared view.
func (t *trial) listens(s *scheduler) (err error) {
	listens := func() bool { return t.log.address(s.source) != "" && (t.cfg.HTTP == "" || t.log.page(s.source) != "") }
	if err := t.until(10*time.Second, listens); err != nil {
		return fmt.Errorf("the %s does not listen: %w", s.name, err)
	}
	if page := t.log.page(s.source); page != "" {
		t.timeline.event("page", pageOf(s, t.isShared()), "%s", page)
	}
	if s.api == nil {
		if s.api, err = dial(t.log.address(s.source)); err != nil {
			return err
		}
	}
	if !t.isShared() {
		return nil
	}
	return t.becomesReady(s)
}

// pageOf names the scheduler that a page belongs to, if there are several.
func pageOf(s *scheduler, several bool) string {
	if several {
		return s.name
	}
	return ""
}

// becomesReady waits until a scheduler accepts announces.
func (t *trial) becomesReady(s *scheduler) error {
	err := t.until(20*time.Second, func() bool { return t.statusOf(s).Ready })
	if err != nil {
		return fmt.Errorf("%s does not share its hosts: %w", s.name, err)
	}
	return nil
}

// kill kills a scheduler, and waits until it is gone.
func (t *trial) kill(s *scheduler) {
	s.away.Store(true)
	t.timeline.event("SIGKILL", s.name, "")
	s.proc.signal(os.Kill)
	<-s.proc.done
}

// restart starts a scheduler that was killed, at its address.
func (t *trial) restart(s *scheduler) error {
	listen, page := t.log.address(s.source), t.cfg.HTTP
	if url := t.log.page(s.source); url != "" {
		page = strings.Trim(strings.TrimPrefix(url, "http://"), "/")
	}
	t.log.forget(s.source)
	if err := t.launchScheduler(s, listen, page); err != nil {
		return err
	}
	s.away.Store(false)
	return t.listens(s)
}

// live returns the schedulers that are not away.
func (t *trial) live() (ss []*scheduler) {
	for _, s := range t.schedulers {
		if !s.away.Load() {
			ss = append(ss, s)
		}
	}
	return ss
}

// addresses returns those of all schedulers, as peers take them.
func (t *trial) addresses() string {
	var addrs []string
	for _, s := range t.schedulers {
		addrs = append(addrs, t.log.address(s.source))
	}
	return strings.Join(addrs, ",")
}

// at returns the scheduler with an address, or nil.
func (t *trial) at(addr string) *scheduler {
	for _, s := range t.schedulers {
		if t.log.address(s.source) == addr {
			return s
		}
	}
	return nil
}

// signalAll sends a signal to all schedulers.
func (t *trial) signalAll(sig os.Signal) {
	for _, s := range t.schedulers {
		s.proc.signal(sig)
	}
}

// statusOf makes a scheduler log its status, and returns it. All earlier lines of the scheduler have
// been read when statusOf returns.
func (t *trial) statusOf(s *scheduler) line {
	n := t.log.statusCount(s.source)
	s.proc.signal(sigStatus)
	var l line
	_ = t.until(10*time.Second, func() (ok bool) {
		l, ok = t.log.statusAfter(s.source, n)
		return ok
	})
	return l
}

// status returns the status of the cluster. The hosts are those of each scheduler, and of the one
// with the most if they differ. Peers and memory are those of all together. The stall time is the
// mean.
func (t *trial) status() (sum line) {
	live := t.live()
	for _, s := range live {
		l := t.statusOf(s)
		sum.Hosts, sum.Joins, sum.Left = max(sum.Hosts, l.Hosts), max(sum.Joins, l.Joins), max(sum.Left, l.Left)
		sum.Evicted, sum.Replaced = max(sum.Evicted, l.Evicted), max(sum.Replaced, l.Replaced)
		sum.Peers, sum.Heap, sum.Stalls = sum.Peers+l.Peers, sum.Heap+l.Heap, sum.Stalls+l.Stalls
		sum.Owed = max(sum.Owed, l.Owed)
		sum.StallTime += l.StallTime / time.Duration(len(live))
	}
	return sum
}
