package members

import "time"

// A Schedule says when each host makes its contacts, and at which member. All members follow the
// same one. So they need not talk to each other: each makes the contacts that are its own.
//
// The contacts of all hosts are spread evenly over the interval. Contact c is that of host
// c % Hosts, at Epoch + c x Interval / Hosts.
type Schedule struct {
	Hosts    int
	Interval time.Duration
	Epoch    int64 // wall clock in nanoseconds: one for all processes of a machine
	Members  int
	From     int64 // contacts that were due before follow the schedule before
	// Random sends each contact to a random member. Otherwise each host has one member.
	Random bool
	// Alive are the members that take contacts. Hosts of another member go to these.
	Alive []int
	// Mortals make no contact that is due after Until.
	Mortals Hosts
	Until   int64
}

// due is the number of contacts that were due before a time.
func (s *Schedule) due(now int64) int64 {
	return int64(float64(now-s.Epoch) / float64(s.Interval) * float64(s.Hosts))
}

// at is when a contact is due.
func (s *Schedule) at(contact int64) int64 {
	return s.Epoch + int64(float64(contact)/float64(s.Hosts)*float64(s.Interval))
}

// member returns the member that takes a contact, or -1 if the host is dead.
func (s *Schedule) member(contact int64) int {
	host := int(contact % int64(s.Hosts))
	if s.Mortals.Has(host) && s.at(contact) > s.Until {
		return -1
	}
	if s.Random {
		return s.Alive[mix(uint64(contact))%uint64(len(s.Alive))]
	}
	return s.Home(host)
}

// Home is the member that has a host, without Random.
func (s *Schedule) Home(host int) int {
	home := host % s.Members
	for _, m := range s.Alive {
		if m == home {
			return home
		}
	}
	return s.Alive[host/s.Members%len(s.Alive)]
}

// mix is the finalizer of splitmix64: all processes draw the same number.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
