package sharing

import (
	"fmt"
	"sync"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

// deaths measures how soon all members have evicted hosts that died at one moment.
func (b *bench) deaths() error {
	if err := b.fleet(); err != nil {
		return err
	}
	b.sleep(b.Interval)
	tenth := members.Hosts{To: b.Hosts, Step: b.step(10)}
	if err := b.death(tenth, 2); err != nil {
		return err
	}
	if err := b.revive(tenth); err != nil {
		return err
	}
	b.sleep(b.Interval)
	if err := b.death(members.Hosts{To: b.Hosts}, 10); err != nil {
		return err
	}
	return b.stop() // no host is left
}

// step is about n, and has no divisor in common with the number of members: so hosts of all members
// are chosen.
func (b *bench) step(n int) int {
	for gcd(n, b.Members) != 1 {
		n++
	}
	return n
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// death has hosts make their last contacts at one moment. The limit is in seconds.
func (b *bench) death(dead members.Hosts, limit float64) error {
	if err := b.follow(func(s *members.Schedule) { s.Mortals = dead }); err != nil {
		return err
	}
	last, err := b.burst(dead)
	if err != nil {
		return err
	}
	deadline := time.Unix(0, last).Add(b.timeout())
	b.sleep(time.Until(deadline))
	before, err := b.figures()
	if err != nil {
		return err
	}
	w, cpu, err := b.atWork()
	if err != nil {
		return err
	}
	gone, err := b.gone(b.Hosts - dead.Len())
	if err != nil {
		return err
	}
	load := w.Close()
	b.limited(load, fmt.Sprintf("%d of %d hosts die, seen by all members after", dead.Len(), b.Hosts), gone.Sub(deadline).Seconds(), "s", limit)
	after, err := b.engineCPU()
	if err != nil {
		return err
	}
	now, err := b.figures()
	if err != nil {
		return err
	}
	var s spell
	s.compare(before, now)
	b.add(load, "processor time of the engine for it", us(after-cpu)/float64(dead.Len()), "us a host")
	b.add(load, "processor time of each member for it", us(s.member)/float64(dead.Len()), "us a host")
	return nil
}

// atWork opens a window, and reads the processor time of the engine.
func (b *bench) atWork() (*machine.Window, time.Duration, error) {
	cpu, err := b.engineCPU()
	return b.window(), cpu, err
}

// burst has hosts make a contact, each at its member, and returns the time after the last one.
func (b *bench) burst(hosts members.Hosts) (last int64, err error) {
	var mu sync.Mutex // guards last
	err = b.each(func(p *members.Process) error {
		at, err := p.Burst(members.Join{Hosts: hosts, Schedule: b.schedule})
		mu.Lock()
		defer mu.Unlock()
		last = max(last, at)
		return err
	})
	return last, err
}

// gone returns when the last member had so many hosts left.
func (b *bench) gone(left int) (time.Time, error) {
	var (
		mu   sync.Mutex // guards last
		last int64
	)
	err := b.each(func(p *members.Process) error {
		at, err := p.Await(members.Until{Hosts: left, Limit: 2 * time.Minute})
		mu.Lock()
		defer mu.Unlock()
		last = max(last, at)
		return err
	})
	return time.Unix(0, last), err
}
