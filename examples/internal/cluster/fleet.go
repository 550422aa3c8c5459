package cluster

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"
)

const (
	churn         = "churn"
	churnReplicas = 1
	churnPace     = 100 * time.Millisecond // between two hosts to which something happens
	churnSize     = 200                    // hosts, unless told otherwise
	maxJoining    = 8                      // how many processes start at the same time
)

// A fleet is hosts that come and go, each a process.
type fleet struct {
	*trial
	f             *findings
	size          int
	pace          time.Duration
	actions       []func(*fleet, *member) // that may happen to a host
	registrations []*member               // all that were begun, in this order
	joining       []*member               // those that have not joined yet
	present       []*member               // those that have joined and that nothing has happened to
	ids           int
}

// A member is one registration of a host, and its intended end.
type member struct {
	host   string
	p      *proc
	born   time.Time
	joined time.Time // when it logged that its peers are registered; zero: not yet
	fate   string    // the kind of departure that it must have; empty: none
}

func (t *trial) newFleet(f *findings, size int, pace time.Duration) *fleet {
	if t.cfg.ChurnHosts > 0 {
		size = t.cfg.ChurnHosts
	}
	return &fleet{trial: t, f: f, size: size, pace: pace, actions: []func(*fleet, *member){(*fleet).leave, (*fleet).crash, (*fleet).comeBack}}
}

// fill starts hosts up to the fleet's size, and tells whether all have joined. It also returns true if no
// more can be started.
func (c *fleet) fill() (full bool) {
	c.collectJoined()
	for c.f.ok() && len(c.joining) < maxJoining && len(c.joining)+len(c.present) < c.size {
		c.ids++
		c.begin(fmt.Sprintf("%s-%d", churn, c.ids))
	}
	return len(c.present) == c.size || !c.f.ok()
}

// stir makes something happen to one host after the other for so long, and replaces them.
func (c *fleet) stir(d time.Duration) {
	next, progress := time.Now(), c.every(quiet, "")
	_ = c.until(d, func() bool {
		c.fill()
		if !time.Now().Before(next) {
			c.strike()
			next = next.Add(c.pace)
		}
		progress(churn, "%d hosts, %d joined, %d departed", len(c.present), len(c.registrations), c.fates(""))
		return !c.f.ok()
	})
}

// begin starts a host.
func (c *fleet) begin(host string) {
	m := &member{host: host, born: time.Now()}
	var err error
	if m.p, err = c.launchPeer(host, c.cfg.Interval, "-peers", fmt.Sprint(churnReplicas), "-v"); err != nil {
		c.f.check(c.over(), "%v", err)
		return
	}
	c.registrations, c.joining = append(c.registrations, m), append(c.joining, m)
}

// collectJoined finds the hosts that have joined.
func (c *fleet) collectJoined() {
	var joining []*member
	for _, m := range c.joining {
		if at := c.log.lastRegistered(m.host).Time; at.After(m.born) {
			m.joined = at
			c.present = append(c.present, m)
		} else {
			joining = append(joining, m)
		}
	}
	c.joining = joining
}

// strike makes something happen to one host.
func (c *fleet) strike() {
	if len(c.present) == 0 {
		return
	}
	i, last := rand.IntN(len(c.present)), len(c.present)-1
	m := c.present[i]
	c.present[i], c.present = c.present[last], c.present[:last]
	c.actions[rand.IntN(len(c.actions))](c, m)
}

func (c *fleet) leave(m *member) {
	m.fate = "left"
	m.p.signal(syscall.SIGTERM)
}

func (c *fleet) crash(m *member) {
	m.fate = "evicted"
	m.p.signal(os.Kill)
}

// comeBack crashes a host and starts it again at once, so that its new registration begins before the old
// one is evicted.
func (c *fleet) comeBack(m *member) {
	m.fate = "replaced"
	m.p.signal(os.Kill)
	c.begin(m.host)
}

// settle waits until all hosts have joined, and all that must have departed.
func (c *fleet) settle(from int) {
	c.timeline.wait("for the last to join and to go")
	limit := c.cfg.timeout(c.cfg.Interval) + 5*time.Second + 2*c.cfg.Lag
	_ = c.until(limit, func() bool {
		return c.fill() && len(c.joining) == 0 && c.log.departedSoFar()-from >= c.fates("") && c.seenByAll(from)
	})
	c.f.check(len(c.present) == c.size && len(c.joining) == 0, "%d of %d hosts have joined", len(c.present), c.size)
}

// fates counts the registrations that must depart in a way, or in any way.
func (c *fleet) fates(kind string) (n int) {
	for _, m := range c.registrations {
		n += count(m.fate != "" && (kind == "" || m.fate == kind))
	}
	return n
}

func (c *fleet) procs() (ps []*proc) {
	for _, m := range c.present {
		ps = append(ps, m.p)
	}
	return ps
}
