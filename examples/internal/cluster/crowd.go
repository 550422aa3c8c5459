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
	churnPace     = 100 * time.Millisecond // between what happens to one and to the next
	churnSize     = 200                    // hosts, unless told otherwise
	churnYoung    = 8                      // how many processes start at the same time
)

// A crowd is hosts that come and go, each of them a process.
type crowd struct {
	*trial
	f     *findings
	size  int
	pace  time.Duration
	blows []func(*crowd, *member) // what may happen to one
	lives []*member               // all that were begun, in this order
	young []*member               // those that were not heard to have joined yet
	grown []*member               // those that were
	ids   int
}

// A member is one life of a host, and what was made of it.
type member struct {
	host   string
	p      *proc
	born   time.Time
	joined time.Time // when it was first seen to have announced itself; zero: not yet
	fate   string    // the kind of departure that it must come to; empty: none
}

func (t *trial) newCrowd(f *findings, size int, pace time.Duration) *crowd {
	if t.cfg.ChurnHosts > 0 {
		size = t.cfg.ChurnHosts
	}
	return &crowd{trial: t, f: f, size: size, pace: pace, blows: []func(*crowd, *member){(*crowd).leave, (*crowd).crash, (*crowd).comeBack}}
}

// fill brings the crowd towards its size, and says whether it has it. If none can
// be started, it need not be waited for.
func (c *crowd) fill() (full bool) {
	c.grow()
	for c.f.ok() && len(c.young) < churnYoung && len(c.young)+len(c.grown) < c.size {
		c.ids++
		c.begin(fmt.Sprintf("%s-%d", churn, c.ids))
	}
	return len(c.grown) == c.size || !c.f.ok()
}

// stir strikes one after the other for so long, while others fill their places.
func (c *crowd) stir(d time.Duration) {
	next, progress := time.Now(), c.every(quiet, "")
	_ = c.until(d, func() bool {
		c.fill()
		if !time.Now().Before(next) {
			c.strike()
			next = next.Add(c.pace)
		}
		progress(churn, "%d are there, %d came, %d went", len(c.grown), len(c.lives), c.fates(""))
		return !c.f.ok()
	})
}

// begin starts a host.
func (c *crowd) begin(host string) {
	m := &member{host: host, born: time.Now()}
	var err error
	if m.p, err = c.launchPeer(host, c.cfg.Interval, "-peers", fmt.Sprint(churnReplicas), "-v"); err != nil {
		c.f.check(c.over(), "%v", err)
		return
	}
	c.lives, c.young = append(c.lives, m), append(c.young, m)
}

// grow finds those that have joined by now.
func (c *crowd) grow() {
	var young []*member
	for _, m := range c.young {
		if at := c.journal.lastAnnounce(m.host).Time; at.After(m.born) {
			m.joined = at
			c.grown = append(c.grown, m)
		} else {
			young = append(young, m)
		}
	}
	c.young = young
}

// strike has something happen to one of them.
func (c *crowd) strike() {
	if len(c.grown) == 0 {
		return
	}
	i, last := rand.IntN(len(c.grown)), len(c.grown)-1
	m := c.grown[i]
	c.grown[i], c.grown = c.grown[last], c.grown[:last]
	c.blows[rand.IntN(len(c.blows))](c, m)
}

func (c *crowd) leave(m *member) {
	m.fate = "left"
	m.p.signal(syscall.SIGTERM)
}

func (c *crowd) crash(m *member) {
	m.fate = "evicted"
	m.p.signal(os.Kill)
}

// comeBack has one crash and be started again at once, so that its new life begins before
// its silence has told anything.
func (c *crowd) comeBack(m *member) {
	m.fate = "replaced"
	m.p.signal(os.Kill)
	c.begin(m.host)
}

// settle waits until all that were begun have joined, and all have departed that
// must.
func (c *crowd) settle(from int) {
	c.timeline.wait("for the last to join and to go")
	limit := c.cfg.patience(c.cfg.Interval) + 5*time.Second + 2*c.cfg.Lag
	_ = c.until(limit, func() bool {
		return c.fill() && len(c.young) == 0 && len(c.journal.departures())-from >= c.fates("")
	})
	c.f.check(len(c.grown) == c.size && len(c.young) == 0, "%d of %d hosts are there", len(c.grown), c.size)
}

// fates counts those that were to depart in a way, or in any.
func (c *crowd) fates(kind string) (n int) {
	for _, m := range c.lives {
		n += count(m.fate != "" && (kind == "" || m.fate == kind))
	}
	return n
}

func (c *crowd) procs() (ps []*proc) {
	for _, m := range c.grown {
		ps = append(ps, m.p)
	}
	return ps
}
