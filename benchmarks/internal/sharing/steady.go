package sharing

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

// A spell is what happened while a state was watched.
type spell struct {
	took     time.Duration
	load     machine.Load
	engine   time.Duration // processor time
	member   time.Duration // processor time of one member, on average
	contacts uint64
	unknown  uint64 // contacts of hosts that the member did not know, or did not take
	writes   uint64 // of hosts and departures
	evicted  uint64
	late     time.Duration // the longest delay of a contact
}

// watch watches the fleet for a time.
func (b *bench) watch(d time.Duration) (s spell, err error) {
	before, err := b.figures()
	if err != nil {
		return s, err
	}
	cpu, err := b.engineCPU()
	if err != nil {
		return s, err
	}
	w := b.window()
	b.sleep(d)
	s.took, s.load = w.Took(), w.Close()
	after, err := b.engineCPU()
	if err != nil {
		return s, err
	}
	s.engine = after - cpu
	now, err := b.figures()
	if err != nil {
		return s, err
	}
	s.compare(before, now)
	return s, nil
}

func (b *bench) engineCPU() (time.Duration, error) {
	if b.engine == nil {
		return 0, nil
	}
	return b.engine.CPU()
}

func (s *spell) compare(before, now []members.Figures) {
	since := func(of func(*members.Figures) uint64) uint64 { return total(now, of) - total(before, of) }
	cpu := func(f *members.Figures) time.Duration { return f.CPU }
	s.member = (total(now, cpu) - total(before, cpu)) / time.Duration(len(now))
	s.contacts = since(func(f *members.Figures) uint64 { return f.Contacts })
	s.unknown = since(func(f *members.Figures) uint64 { return f.Unknown + f.Refused })
	s.writes = since(func(f *members.Figures) uint64 { return f.Writes })
	s.evicted = since(func(f *members.Figures) uint64 { return f.Evicted })
	for i := range now {
		s.late = max(s.late, now[i].Late)
	}
}

// alone measures processes that share nothing.
func (b *bench) alone() error {
	if err := b.stop(); err != nil {
		return err
	}
	if err := b.start(""); err != nil {
		return err
	}
	if _, err := b.joinAll(); err != nil {
		return err
	}
	b.sleep(min(b.Interval, b.For))
	s, err := b.watch(b.For)
	if err != nil {
		return err
	}
	b.lone = time.Duration(float64(s.member) / s.took.Seconds())
	b.add(s.load, "processor time of a member that shares nothing, with its part of the hosts", percent(s.member, s.took), "% of a core")
	return b.stop()
}

// steady measures the state in which each host has one member, and nothing happens.
func (b *bench) steady() error {
	if err := b.fleet(); err != nil {
		return err
	}
	b.sleep(b.Interval)
	s, err := b.watch(b.For)
	if err != nil {
		return err
	}
	b.limited(s.load, "processor time of the engine", percent(s.engine, s.took), "% of a core", 1)
	b.exact(s.load, "host records written per heartbeat, attempts included", s.perContact(), "records", 0)
	b.addMember(&s)
	b.exact(s.load, "evictions of hosts that live", float64(s.evicted), "evictions", 0)
	return nil
}

func (s *spell) perContact() float64 { return float64(s.writes) / float64(max(1, s.contacts)) }

// addMember says what a member takes.
func (b *bench) addMember(s *spell) {
	about, extra := "processor time of a member", s.member
	if b.lone > 0 {
		about = "processor time of a member, beyond one that shares nothing"
		extra -= time.Duration(float64(b.lone) * s.took.Seconds())
	}
	b.add(s.load, about, percent(extra, s.took), "% of a core")
	if s.late > b.Interval/20 || s.unknown > 0 {
		b.log.Note("%s: contacts were up to %v late, %d found no registration", b.measure, s.late, s.unknown)
	}
}

// random measures the state in which each contact goes to a random member: with the default Policy,
// and with one that waits for an interval more.
func (b *bench) random() error {
	if err := b.fleet(); err != nil {
		return err
	}
	if err := b.roam(); err != nil {
		return err
	}
	if b.kind != engine.Redis {
		return nil
	}
	if err := b.stop(); err != nil {
		return err
	}
	b.multiple = fixed + 1
	defer func() { b.multiple = fixed }()
	if err := b.fleet(); err != nil {
		return err
	}
	if err := b.roam(); err != nil {
		return err
	}
	return b.stop()
}

func (b *bench) roam() error {
	if err := b.follow(func(s *members.Schedule) { s.Random = true }); err != nil {
		return err
	}
	b.sleep(2 * b.timeout()) // until the questions are as frequent as they will be
	written, err := b.observe()
	if err != nil {
		return err
	}
	s, err := b.watch(2 * b.For)
	if err != nil {
		return err
	}
	n, err := written()
	if err != nil {
		return err
	}
	b.limited(s.load, fmt.Sprintf("host records written per contact, with Fixed(%v)", b.multiple), float64(n)/float64(s.contacts), "records", 0.5)
	b.add(s.load, "the same, with attempts that met another change", s.perContact(), "records")
	b.add(s.load, "processor time of the engine", percent(s.engine, s.took), "% of a core")
	b.addMember(&s)
	b.exact(s.load, "evictions of hosts that live", float64(s.evicted), "evictions", 0)
	if err := b.follow(func(s *members.Schedule) { s.Random = false }); err != nil {
		return err
	}
	b.sleep(b.timeout()) // until each host is kept at home again
	return nil
}
