package sharing

import (
	"fmt"
	"slices"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

// crashes is how many hosts crash, at most, where the delay of each is measured.
const crashes = 1000

// mortals are hosts of all members, and of all phases of the interval.
func (b *bench) mortals() members.Hosts {
	return members.Hosts{To: b.Hosts, Step: b.step(max(7, b.Hosts/crashes))}
}

// evictions measures how long after its deadline a crashed host is evicted, while the others live.
func (b *bench) evictions() error {
	if err := b.fleet(); err != nil {
		return err
	}
	b.sleep(b.Interval) // for a fleet that has just begun: it keeps quiet for a Lapse
	if err := b.each((*members.Process).Watch); err != nil {
		return err
	}
	mortals := b.mortals()
	w := b.window()
	// Each mortal makes its last contact in the next interval: the first ones die at once.
	if err := b.follow(func(s *members.Schedule) { s.Mortals, s.Until = mortals, s.From+int64(b.Interval) }); err != nil {
		return err
	}
	b.sleep(b.Interval + b.timeout() + 5*time.Second)
	load := w.Close()
	lasts, err := b.lasts()
	if err != nil {
		return err
	}
	all, err := b.seen()
	if err != nil {
		return err
	}
	first, last, err := b.lateness(mortals, lasts, all)
	if err != nil {
		return err
	}
	b.add(load, "an eviction beyond its deadline, at the member that evicts: median", ms(quantile(first, 0.5)), "ms")
	b.limited(load, "the same, until all members have seen it: median", ms(quantile(last, 0.5)), "ms", 50)
	b.limited(load, "99th percentile", ms(quantile(last, 0.99)), "ms", 250)
	b.add(load, "longest", ms(quantile(last, 1)), "ms")
	b.exact(load, "evictions of hosts that live", float64(strangers(all, mortals)), "evictions", 0)
	return b.revive(mortals)
}

// lasts returns when each mortal made its last contact, at any member.
func (b *bench) lasts() (map[int]int64, error) {
	lasts := map[int]int64{}
	for _, p := range b.members {
		own, err := p.Lasts()
		if err != nil {
			return nil, err
		}
		for host, at := range own {
			lasts[host] = max(lasts[host], at)
		}
	}
	return lasts, nil
}

// seen returns what each member has seen, and ends Watch. A member that has ended has seen nothing.
func (b *bench) seen() (all []members.Seen, err error) {
	for _, p := range b.members {
		if p.PID() == 0 {
			continue
		}
		s, err := p.Seen()
		if err != nil {
			return nil, err
		}
		if s.Missed > 0 {
			return nil, fmt.Errorf("a watcher missed %d events", s.Missed)
		}
		all = append(all, s)
		if err := p.Unwatch(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// departures returns when a member has seen each host depart.
func departures(s *members.Seen) map[int]int64 {
	at := map[int]int64{}
	for _, d := range s.Departures {
		at[d.Host] = d.At
	}
	return at
}

// lateness returns how long after its deadline each mortal departed: at the first member, and at
// the last one. Both are sorted.
func (b *bench) lateness(mortals members.Hosts, lasts map[int]int64, all []members.Seen) (first, last []time.Duration, err error) {
	var seen []map[int]int64
	for i := range all {
		seen = append(seen, departures(&all[i]))
	}
	for host := range mortals.All {
		at, ok := lasts[host]
		if !ok {
			return nil, nil, fmt.Errorf("host %d made no contact", host)
		}
		earliest, latest, ok := span(seen, host)
		if !ok {
			return nil, nil, fmt.Errorf("host %d has not departed at all members", host)
		}
		deadline := at + int64(b.timeout())
		first = append(first, time.Duration(earliest-deadline))
		last = append(last, time.Duration(latest-deadline))
	}
	slices.Sort(first)
	slices.Sort(last)
	return first, last, nil
}

// span returns when a host departed at the first member and at the last one.
func span(seen []map[int]int64, host int) (earliest, latest int64, ok bool) {
	for i, s := range seen {
		at, ok := s[host]
		if !ok {
			return 0, 0, false
		}
		latest = max(latest, at)
		if i == 0 || at < earliest {
			earliest = at
		}
	}
	return earliest, latest, true
}

// strangers counts departures of hosts that were to live.
func strangers(all []members.Seen, mortals members.Hosts) (n int) {
	for _, s := range all {
		for _, d := range s.Departures {
			if !mortals.Has(d.Host) {
				n++
			}
		}
	}
	return n
}

// revive registers hosts that have died, and has them make contacts again.
func (b *bench) revive(mortals members.Hosts) error {
	if err := b.announce(mortals); err != nil {
		return err
	}
	return b.follow(func(s *members.Schedule) { s.Mortals = members.Hosts{} })
}
