package members

import (
	"testing"
	"time"
)

const second = int64(time.Second)

// crowd are the contacts of several members, on a clock of the test.
func crowd(n int) []*contacts {
	all := make([]*contacts, n)
	for i := range all {
		all[i] = &contacts{index: i}
	}
	return all
}

// takeAll moves the time, and counts the contacts of each host at each member.
func takeAll(all []*contacts, from, to int64, counts map[int]map[int]int) {
	for i, c := range all {
		for now := from; now <= to; now += second/500 + int64(i) { // they do not tick at the same moments
			for _, host := range c.take(now) {
				if counts[host] == nil {
					counts[host] = map[int]int{}
				}
				counts[host][i]++
			}
		}
		for _, host := range c.take(to) {
			if counts[host] == nil {
				counts[host] = map[int]int{}
			}
			counts[host][i]++
		}
	}
}

// beginAll has all members follow a schedule that begins in the future, so that no clock is read.
func beginAll(all []*contacts, s Schedule) {
	for _, c := range all {
		c.schedules, c.next = []*Schedule{&s}, s.due(s.From)
	}
}

func TestEachContactIsMadeAtOneMember(t *testing.T) {
	for _, random := range []bool{false, true} {
		all, counts := crowd(3), map[int]map[int]int{}
		s := Schedule{Hosts: 30, Interval: time.Second, Members: 3, Alive: []int{0, 1, 2}, Random: random}
		beginAll(all, s)
		takeAll(all, 0, 100*second, counts)
		for host := range s.Hosts {
			sum := 0
			for member, n := range counts[host] {
				sum += n
				if !random && member != host%3 || random && n < 10 {
					t.Errorf("random %v: host %d: %d contacts at member %d", random, host, n, member)
				}
			}
			if sum != 100 {
				t.Errorf("random %v: host %d made %d contacts", random, host, sum)
			}
		}
	}
}

func TestNoContactIsLostWhenTheScheduleChanges(t *testing.T) {
	all, counts := crowd(3), map[int]map[int]int{}
	s := Schedule{Hosts: 1000, Interval: time.Second, Members: 3, Alive: []int{0, 1, 2}}
	beginAll(all, s)
	takeAll(all, 0, 2*second, counts)
	s.From, s.Alive = 2*second+second/2, []int{0, 1}
	for _, c := range all {
		c.follow(&s)
	}
	takeAll(all, 2*second, 4*second, counts)
	for host := range s.Hosts {
		sum := counts[host][0] + counts[host][1] + counts[host][2]
		if sum != 4 {
			t.Errorf("host %d made %d contacts", host, sum)
		}
		if first := float64(host) / 1000; host%3 == 2 && first >= 0.5 && counts[host][2] != 2 {
			t.Errorf("host %d made %d contacts at the member that left", host, counts[host][2])
		}
	}
}

func TestMortalsMakeNoContactAfterTheirLast(t *testing.T) {
	all, counts := crowd(2), map[int]map[int]int{}
	s := Schedule{Hosts: 100, Interval: time.Second, Members: 2, Alive: []int{0, 1}}
	s.Mortals, s.Until = Hosts{From: 1, To: 100, Step: 7}, 3*second
	beginAll(all, s)
	for _, c := range all {
		c.last = map[int]int64{}
	}
	takeAll(all, 0, 10*second, counts)
	for host := range s.Hosts {
		n, want := counts[host][0]+counts[host][1], 10
		if s.Mortals.Has(host) {
			want = 3
		}
		if n != want {
			t.Errorf("host %d made %d contacts, not %d", host, n, want)
		}
	}
	if n := len(all[0].lasts()) + len(all[1].lasts()); n != s.Mortals.Len() {
		t.Errorf("%d of %d mortals have a last contact", n, s.Mortals.Len())
	}
}
