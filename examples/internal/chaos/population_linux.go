package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/peerd"
	"github.com/hostlife/hostlife/examples/internal/procs"
)

const (
	mass       = 10              // hosts of a process that die together
	singles    = 15              // hosts at the beginning that are processes of their own
	leaveLimit = 8 * time.Second // for a process to leave and end
)

// styles are the flags that say with which schedulers a host talks: one until that is away, a
// random one each time, or all.
var styles = [][]string{nil, {"-roam"}, {"-all"}}

// A population is the hosts. Most of them live in three processes, one of each style. Others are
// processes of their own, which come and go, and die by SIGKILL.
type population struct {
	round *round
	rnd   *rand.Rand // used by the goroutine that makes hosts come and go, or by start

	mu      sync.Mutex // guards all below
	alive   map[string]bool
	singles []*family
	fleets  []*family
	leaving []*family
	started int
}

// A family is a process with one or many hosts.
type family struct {
	id    string // of the host, or the prefix of their ids
	ids   []string
	style []string
	lives int
	proc  *procs.Proc
}

func newPopulation(r *round, seed uint64) *population {
	return &population{round: r, rnd: rand.New(rand.NewPCG(seed, 2)), alive: map[string]bool{}}
}

// start starts the hosts of the beginning, and waits until each scheduler has all of them.
func (p *population) start() error {
	most := p.round.cfg.Peers - singles
	for i, style := range styles {
		h := newFamily([]string{"stay", "roam", "all"}[i], (most+i)/len(styles), style)
		if err := p.run(h); err != nil {
			return err
		}
		p.fleets = append(p.fleets, h)
	}
	for range singles {
		if err := p.join(); err != nil {
			return err
		}
	}
	if p.round.cfg.Alone {
		p.round.pause(2 * p.round.cfg.Interval) // no scheduler will have all
		return nil
	}
	if err := p.round.until(startLimit, func() bool { return p.areThoseOf(p.round.schedulers) }); err != nil {
		return fmt.Errorf("not all hosts have joined: %w", err)
	}
	return nil
}

func newFamily(id string, n int, style []string) *family {
	h := &family{id: id, style: style}
	c := peerd.Config{ID: id, Hosts: n}
	for i := range n {
		h.ids = append(h.ids, c.HostID(i))
	}
	return h
}

// run starts a process.
func (p *population) run(h *family) error {
	var addrs []string
	for _, s := range p.round.schedulers {
		addrs = append(addrs, s.addr)
	}
	h.lives++
	name := fmt.Sprintf("%s-life-%d", h.id, h.lives)
	args := append([]string{
		"-scheduler", strings.Join(addrs, ","), "-id", h.id, "-hosts", fmt.Sprint(len(h.ids)), "-peers", "0",
		"-interval", p.round.cfg.Interval.String(), "-history", p.round.historyOf(name),
	}, h.style...)
	proc, err := p.round.start(name, "", "peer", args...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h.proc = proc
	for _, id := range h.ids {
		p.alive[id] = true
	}
	return nil
}

// join starts a host that is a process of its own.
func (p *population) join() error {
	p.mu.Lock()
	p.started++
	h := newFamily(fmt.Sprintf("one-%d", p.started), 1, styles[p.started%len(styles)])
	p.mu.Unlock()
	if err := p.run(h); err != nil {
		return err
	}
	p.add(h)
	return nil
}

// die kills a process, and its hosts with it.
func (p *population) die(h *family) {
	began := history.Now()
	p.gone(h)
	h.proc.Kill()
	for _, id := range h.ids {
		p.round.log.Add(history.Entry{Kind: history.Died, Host: id, Began: began})
	}
}

// gone removes the hosts of a process from those that are alive.
func (p *population) gone(h *family) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range h.ids {
		delete(p.alive, id)
	}
}

// leave makes a process leave and end.
func (p *population) leave(h *family) {
	p.gone(h)
	h.proc.Signal(syscall.SIGTERM)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = append(p.leaving, h)
}

// awaitLeaves waits until all processes that leave have ended.
func (p *population) awaitLeaves() error {
	p.mu.Lock()
	leaving := p.leaving
	p.mu.Unlock()
	for _, h := range leaving {
		err := p.round.until(leaveLimit, func() bool {
			gone, _ := h.proc.Exited()
			return gone
		})
		if err != nil {
			return fmt.Errorf("%s does not end: %w", h.id, err)
		}
	}
	return nil
}

// take removes a random one of the hosts that are processes of their own.
func (p *population) take() *family {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.singles) == 0 {
		return nil
	}
	i := p.rnd.IntN(len(p.singles))
	h := p.singles[i]
	p.singles = slices.Delete(p.singles, i, i+1)
	return h
}

// comeAndGo makes hosts join, leave, die, restart and hang until stop is called. Once, all hosts of
// one style hang.
func (p *population) comeAndGo() (stop func()) {
	ctx, cancel := context.WithCancel(p.round.ctx)
	var wg sync.WaitGroup
	fleet, after, d := p.fleets[p.rnd.IntN(len(p.fleets))], p.upTo(3*p.round.cfg.timeout()), p.hangs()
	wg.Go(func() {
		p.round.pause(after)
		p.hang(fleet, d)
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			p.step(&wg)
			select {
			case <-time.After(100*time.Millisecond + p.upTo(500*time.Millisecond)):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// step is one event. A process that cannot be started is missing at the end, and the checker says
// so.
func (p *population) step(wg *sync.WaitGroup) {
	switch k := p.rnd.IntN(12); {
	case k < 4:
		_ = p.join()
	case k < 7:
		if h := p.take(); h != nil {
			p.die(h)
		}
	case k < 9:
		if h := p.take(); h != nil {
			p.leave(h)
		}
	case k < 11:
		if h := p.take(); h != nil {
			d := p.hangs()
			wg.Go(func() {
				p.hang(h, d)
				p.add(h)
			})
		}
	default:
		p.restart()
	}
}

// restart kills a host, and starts it again at once.
func (p *population) restart() {
	h := p.take()
	if h == nil {
		return
	}
	p.die(h)
	if p.run(h) == nil {
		p.add(h)
	}
}

func (p *population) add(h *family) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.singles = append(p.singles, h)
}

func (p *population) upTo(d time.Duration) time.Duration {
	return time.Duration(p.rnd.Int64N(int64(d)))
}

// hangs returns a time about as long as the timeout.
func (p *population) hangs() time.Duration {
	t := p.round.cfg.timeout()
	return t*3/4 + p.upTo(t*3/4)
}

// hang stops a process for some time, so that its hosts come back at about the moment when they are
// due.
func (p *population) hang(h *family, lasts time.Duration) {
	h.proc.Signal(syscall.SIGSTOP)
	p.round.pause(lasts)
	h.proc.Signal(syscall.SIGCONT)
}

// view returns the hosts that are alive.
func (p *population) view() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	view := map[string]uint64{}
	for id := range p.alive {
		view[id] = 1
	}
	return view
}

// areThoseOf reports whether all these schedulers have all hosts that are alive, and no others.
func (p *population) areThoseOf(schedulers []*scheduler) bool {
	alive := p.view()
	for _, s := range schedulers {
		have := s.hosts()
		if len(have) != len(alive) {
			return false
		}
		for id := range alive {
			if !have[id] {
				return false
			}
		}
	}
	return true
}
