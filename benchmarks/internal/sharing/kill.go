package sharing

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

// kill measures what happens when a member is killed: its living hosts go to the others, and some
// of its hosts die with it.
func (b *bench) kill() error {
	if b.Members < 2 {
		return nil
	}
	if err := b.fleet(); err != nil {
		return err
	}
	b.sleep(b.Interval)
	if err := b.each((*members.Process).Watch); err != nil {
		return err
	}
	killed := b.Members - 1
	mortals := members.Hosts{From: killed, To: b.Hosts, Step: b.Members * max(3, b.Hosts/crashes)}
	w := b.window()
	alive := b.schedule.Alive[:killed:killed]
	if err := b.follow(func(s *members.Schedule) { s.Alive, s.Mortals = alive, mortals }); err != nil {
		return err
	}
	b.sleep(20 * time.Millisecond) // until it has made the last contacts that are its own
	if err := b.members[killed].Kill(); err != nil {
		return err
	}
	died := time.Now()
	limit := b.timeout() + b.Lapse + time.Second
	b.sleep(limit + 5*time.Second)
	load := w.Close()
	all, err := b.seen()
	if err != nil {
		return err
	}
	if err := b.addKill(died, limit, load, mortals, all); err != nil {
		return err
	}
	if b.members[killed], err = b.startMember(b.kind, killed, b.Hosts-mortals.Len()); err != nil {
		return err
	}
	if err := b.rejoin(killed); err != nil {
		return err
	}
	return b.revive(mortals)
}

// addKill adds the rows of a member that was killed.
func (b *bench) addKill(died time.Time, limit time.Duration, load machine.Load, mortals members.Hosts, all []members.Seen) error {
	var seen []map[int]int64
	for i := range all {
		seen = append(seen, departures(&all[i]))
	}
	var longest time.Duration
	for host := range mortals.All {
		_, latest, ok := span(seen, host)
		if !ok {
			return fmt.Errorf("host %d of the member that was killed has not departed", host)
		}
		longest = max(longest, time.Duration(latest-died.UnixNano()))
	}
	b.exact(load, "a member is killed: evictions of hosts that live", float64(strangers(all, mortals)), "evictions", 0)
	b.exact(load, "until all hosts that died with it are gone", longest.Seconds(), "s", limit.Seconds())
	return nil
}

// rejoin gives a member its hosts back. It begins to follow the schedule as it is.
func (b *bench) rejoin(index int) error {
	s := b.schedule
	if err := b.members[index].Follow(&s); err != nil {
		return err
	}
	return b.follow(func(s *members.Schedule) { s.Alive = append(s.Alive[:index:index], index) })
}
