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

// serve keeps the cluster running until the run is over, and has things happen to a crowd of
// hosts beside its peers. No verdict is given.
func (t *trial) serve() {
	var f findings
	c := t.newCrowd(&f, serveSize, servePace)
	c.blows = append(c.blows, (*crowd).stumble)
	if !t.over() {
		t.timeline.event("serving", "", "%d hosts come and go, one a second; Ctrl-C ends it", c.size)
		c.stir(math.MaxInt64)
	}
	if !f.ok() {
		t.timeline.final("stopped", f.detail(""))
	}
}

// stumble stops one for so long that it is late, suspect or evicted, and lets it go on.
func (c *crowd) stumble(m *member) {
	m.p.signal(sigStop)
	lengths := []float64{1.3, 1.8, 2.5}
	pause := time.Duration(lengths[rand.IntN(len(lengths))] * float64(c.cfg.Interval))
	time.AfterFunc(pause, func() { m.p.signal(sigCont) })
	c.grown = append(c.grown, m)
}
