package cluster

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	serveSize = 20
	servePace = time.Second
)

// serve keeps the cluster running until the run is over, with a fleet of hosts that come and go in
// addition to its peers. It gives no verdict.
func (t *trial) serve() {
	var f findings
	c := t.newFleet(&f, serveSize, servePace)
	c.actions = append(c.actions, (*fleet).stumble)
	if !t.over() {
		t.timeline.event("serving", "", "%d hosts come and go, one a second; Ctrl-C ends it", c.size)
		c.stir(math.MaxInt64)
	}
	if !f.ok() {
		t.timeline.final("stopped", f.detail(""))
	}
}

// stumble stops a host for so long that it is late, suspect or evicted, and continues it.
func (c *fleet) stumble(m *member) {
	m.p.signal(sigStop)
	lengths := []float64{1.3, 1.8, 2.5}
	pause := time.Duration(lengths[rand.IntN(len(lengths))] * float64(c.cfg.Interval))
	time.AfterFunc(pause, func() { m.p.signal(sigCont) })
	c.present = append(c.present, m)
}
