package sharing

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// ahead is how long before it holds a schedule is given to the members.
const ahead = 200 * time.Millisecond

// A bench has an engine, and the members that share it.
type bench struct {
	Options
	ctx      context.Context
	log      *report.Progress
	kind     string // of the engine
	measure  string // that is made now
	engine   *engine.Engine
	members  []*members.Process
	schedule members.Schedule
	multiple float64       // of the interval: the timeout of the members
	lone     time.Duration // the processor time a second of a member that shares nothing
	rows     []Row
}

// fixed is the default Policy: a host is evicted after 2 intervals.
const fixed = 2

// timeout is the silence after which a host is evicted.
func (b *bench) timeout() time.Duration { return time.Duration(b.multiple * float64(b.Interval)) }

// server returns the engine, and starts it if there is none.
func (b *bench) server() (_ *engine.Engine, err error) {
	if b.engine == nil {
		b.engine, err = engine.Start(b.ctx, b.kind)
	}
	return b.engine, err
}

// fresh replaces the engine and the members by an engine that is empty.
func (b *bench) fresh() (*engine.Engine, error) {
	if err := b.stop(); err != nil {
		return nil, err
	}
	return b.server()
}

// fleet starts members that share all hosts, unless they run already.
func (b *bench) fleet() error {
	if len(b.members) > 0 {
		return nil
	}
	if _, err := b.server(); err != nil {
		return err
	}
	if err := b.start(b.kind); err != nil {
		return err
	}
	_, err := b.joinAll()
	return err
}

// start starts the members. Without a kind of engine they share nothing.
func (b *bench) start(kind string) error {
	b.schedule = members.Schedule{Hosts: b.Hosts, Interval: b.Interval, Members: b.Members}
	for i := range b.Members {
		p, err := b.startMember(kind, i, 0)
		if err != nil {
			return err
		}
		b.members = append(b.members, p)
		b.schedule.Alive = append(b.schedule.Alive, i)
	}
	return nil
}

func (b *bench) startMember(kind string, index, await int) (*members.Process, error) {
	o := members.Begin{
		Engine: kind, Name: fmt.Sprint("member-", index), Index: index,
		Interval: b.Interval, Timeout: b.multiple, Lapse: b.Lapse, Await: await,
	}
	if kind != "" {
		o.Addr = b.engine.Addr
	}
	return members.Start(b.ctx, b.log, o)
}

// joinAll registers all hosts, and has them make contacts. It returns how long the members took
// until all had all hosts.
func (b *bench) joinAll() (took time.Duration, err error) {
	start := time.Now()
	if err := b.announce(members.Hosts{To: b.Hosts}); err != nil {
		return 0, err
	}
	took = time.Since(start)
	b.schedule.Epoch = time.Now().UnixNano()
	return took, b.follow(func(*members.Schedule) {})
}

// announce registers hosts, and waits until all members have all of them.
func (b *bench) announce(hosts members.Hosts) error {
	j := members.Join{Hosts: hosts, Schedule: b.schedule, Interval: b.Interval, Flush: true}
	if err := b.each(func(p *members.Process) error { _, err := p.Announce(j); return err }); err != nil {
		return err
	}
	if b.lonely() {
		return nil
	}
	return b.each(func(p *members.Process) error { return b.await(p, b.Hosts) })
}

// lonely reports whether the members share nothing.
func (b *bench) lonely() bool { return b.engine == nil }

func (b *bench) await(p *members.Process, hosts int) error {
	_, err := p.Await(members.Until{Hosts: hosts, Limit: time.Minute})
	return err
}

// follow changes the schedule for all members. It holds a moment later, when follow returns.
func (b *bench) follow(change func(*members.Schedule)) error {
	s := b.schedule
	s.From = time.Now().Add(ahead).UnixNano()
	s.Until = s.From
	change(&s)
	if err := b.each(func(p *members.Process) error { return p.Follow(&s) }); err != nil {
		return err
	}
	b.schedule = s
	if late := time.Since(time.Unix(0, s.From)); late > 0 {
		b.log.Note("the members got the schedule %v late", late)
	}
	b.sleep(time.Until(time.Unix(0, s.From)))
	return nil
}

// each calls f for all members at once.
func (b *bench) each(f func(*members.Process) error) error {
	var all errgroup.Group
	for _, p := range b.members {
		if p.PID() != 0 {
			all.Go(func() error { return f(p) })
		}
	}
	return all.Wait()
}

// figures returns those of all members.
func (b *bench) figures() ([]members.Figures, error) {
	all := make([]members.Figures, len(b.members))
	var group errgroup.Group
	for i, p := range b.members {
		if p.PID() != 0 {
			group.Go(func() (err error) { all[i], err = p.Figures(); return err })
		}
	}
	return all, group.Wait()
}

// total adds up one figure of all members.
func total[T int | uint64 | time.Duration](all []members.Figures, of func(*members.Figures) T) (sum T) {
	for i := range all {
		sum += of(&all[i])
	}
	return sum
}

// sleep waits, unless the program is to end.
func (b *bench) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.ctx.Done():
	}
}

// stop ends the members and the engine.
func (b *bench) stop() error {
	err := b.each((*members.Process).Stop)
	b.members = nil
	if b.engine == nil {
		return err
	}
	ended := b.engine.Stop()
	b.engine = nil
	if err != nil {
		return err
	}
	return ended
}
