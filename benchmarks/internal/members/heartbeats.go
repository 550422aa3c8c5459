package members

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// tick is how often contacts that are due are made: a sleep for each contact would take longer than
// they are apart.
const tick = 2 * time.Millisecond

// contacts makes the contacts of the hosts, by a schedule that may be replaced.
type contacts struct {
	index   int
	contact func(host int)
	late    atomic.Int64 // the longest delay of a contact, in nanoseconds

	mu        sync.Mutex    // guards the rest
	schedules []*Schedule   // by From; the first one holds, until the next one does
	next      int64         // contact
	last      map[int]int64 // of mortals: wall clock, before the contact was made
}

// follow has contacts follow a schedule from its From on. They have the Hosts, the Interval and the
// Epoch of the schedule before. So each contact is made by one of the two, in all processes. Nil
// stops all contacts, and the next schedule may be another one.
func (c *contacts) follow(s *Schedule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = map[int]int64{}
	switch {
	case s == nil:
		c.schedules = nil
	case c.schedules == nil:
		c.schedules, c.next = []*Schedule{s}, s.due(max(s.From, time.Now().UnixNano()))
	default:
		c.schedules = append(c.schedules, s)
	}
}

func (c *contacts) run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			for _, host := range c.take(time.Now().UnixNano()) {
				c.contact(host)
			}
		}
	}
}

// take returns the hosts whose contacts are due, and belong to this member.
func (c *contacts) take(now int64) (hosts []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.schedules) > 0 {
		s := c.schedules[0]
		until := now
		if len(c.schedules) > 1 {
			until = min(now, c.schedules[1].From)
		}
		hosts = c.takeOf(s, until, now, hosts)
		if until == now {
			break
		}
		c.schedules = c.schedules[1:]
	}
	return hosts
}

// takeOf appends the hosts whose contacts are due before until, by one schedule.
func (c *contacts) takeOf(s *Schedule, until, now int64, hosts []int) []int {
	due := s.due(until)
	if c.next < due {
		c.late.Store(max(c.late.Load(), now-s.at(c.next)))
	}
	for ; c.next < due; c.next++ {
		if s.member(c.next) != c.index {
			continue
		}
		host := int(c.next % int64(s.Hosts))
		if s.Mortals.Has(host) {
			c.last[host] = now
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// lasts returns when each mortal made its last contact here.
func (c *contacts) lasts() map[int]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied := make(map[int]int64, len(c.last))
	for h, at := range c.last {
		copied[h] = at
	}
	return copied
}
