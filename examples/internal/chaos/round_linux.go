package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/procs"
)

const supported = true

const (
	startLimit = time.Minute // for processes to start, and hosts to join
	warm       = 1500 * time.Millisecond
	calm       = time.Second // from the moment when all is at rest
	agreeLimit = 15 * time.Second
)

// A round is one cluster, what is done to it, and its end.
type round struct {
	scenario
	cfg        Config
	ctx        context.Context
	rnd        *rand.Rand // used by the goroutine that plays the fault
	dir        string
	net        network
	procs      *procs.Group
	log        *history.Log // of what is done
	engine     engine
	schedulers []*scheduler
	hosts      *population
}

// An engine is Redis or etcd, as processes.
type engine interface {
	start() error
	// url returns the address of the table for a scheduler.
	url(scheduler int) string
	close()
}

// play plays a round, and checks what was written down in the folder.
func play(ctx context.Context, cfg Config, s scenario, seed uint64, dir string) (*verify.Report, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := history.Create(filepath.Join(dir, "chaos"+suffix), "chaos")
	if err != nil {
		return nil, err
	}
	r := &round{
		scenario: s, cfg: cfg, ctx: ctx, rnd: rand.New(rand.NewPCG(seed, 1)), dir: dir, net: newNetwork(),
		procs: procs.New(), log: log,
	}
	watched, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { log.WatchStalls(watched) }) // all links are in this process
	err = r.run(seed)
	cancel()
	watch.Wait()
	r.procs.KillAll()
	if r.engine != nil {
		r.engine.close()
	}
	if err = errors.Join(err, log.Close()); err != nil {
		return nil, err
	}
	report, err := verifyFolder(dir, cfg.limits())
	if err == nil && s.proves != nil {
		if vain := s.proves(report); vain != nil {
			report.Gaps = append(report.Gaps, vain.Error())
		}
	}
	return report, err
}

// run is a round, up to its end.
func (r *round) run(seed uint64) error {
	if r.etcd {
		r.engine = &etcd{round: r}
	} else {
		r.engine = &redisServer{round: r}
	}
	r.hosts = newPopulation(r, seed)
	for _, begin := range []func() error{r.engine.start, r.startSchedulers, r.hosts.start} {
		if err := begin(); err != nil {
			return err
		}
	}
	stop := r.hosts.comeAndGo()
	r.pause(warm)
	err := r.fault(r)
	r.pause(warm)
	stop()
	if err = errors.Join(err, r.ctx.Err()); err != nil {
		return err
	}
	return r.rest()
}

// rest waits until each scheduler has the hosts that are alive, and no other ones. Then each writes
// down its hosts. If they differ after the time in which they must agree, the checker says so.
func (r *round) rest() error {
	if err := r.hosts.awaitLeaves(); err != nil {
		return err
	}
	if r.cfg.Alone {
		return r.writeViews() // they never agree
	}
	limit := 2*(r.cfg.timeout()+r.cfg.Lapse+r.cfg.Slack) + 5*time.Second
	_ = r.until(limit, func() bool { return r.hosts.areThoseOf(r.living()) })
	r.pause(calm)
	return r.writeViews()
}

// writeViews ends the histories. The schedulers write down their hosts one after another, and a
// host may depart meanwhile. So they do it again if they differ, or if a cleanup is owed: a scheduler
// that was cut off may be asking the others whether it is done.
func (r *round) writeViews() error {
	for agree, end := false, time.Now().Add(agreeLimit); !agree && time.Now().Before(end); r.pause(calm / 4) {
		var first map[string]uint64
		agree = true
		for i, s := range r.living() {
			view, err := s.writeView()
			if err != nil {
				return err
			}
			if i == 0 {
				first = view.Hosts
			}
			agree = agree && view.Owed == 0 && maps.Equal(view.Hosts, first) || r.cfg.Alone
		}
	}
	r.log.Add(history.Entry{Kind: history.Rest, Hosts: r.hosts.view()})
	return r.ctx.Err()
}

// until polls a condition until it is true, up to a limit.
func (r *round) until(limit time.Duration, cond func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !cond(); {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v", limit)
		}
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
	return nil
}

func (r *round) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.ctx.Done():
	}
}

// between returns a random time.
func (r *round) between(a, b time.Duration) time.Duration {
	return a + time.Duration(r.rnd.Int64N(int64(b-a)+1))
}

// disturbs writes down that a process is disturbed while f runs.
func (r *round) disturbs(process, how string, f func() error) error {
	r.log.Add(history.Entry{Kind: history.Disturbed, Process: process, Note: how})
	err := f()
	r.log.Add(history.Entry{Kind: history.Restored, Process: process, Note: how})
	return err
}

// A network is a block of loopback addresses. Programs that connect to each other do so from
// 127.0.0.1, so none takes a port of these addresses by chance.
type network struct {
	prefix string
	last   int
}

func newNetwork() network {
	return network{prefix: fmt.Sprintf("127.%d.%d.", 64+rand.IntN(64), rand.IntN(256))}
}

// next returns an address that is free.
func (n *network) next() string {
	n.last++
	return n.prefix + fmt.Sprint(n.last)
}
