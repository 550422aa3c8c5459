package model

import "time"

// faults are the kinds that happen in a run.
type faults struct {
	crash, freeze, cut, down, lose, wipe, split bool
}

// trouble makes a fault, and then the next one.
func (r *run) trouble() {
	if r.now > r.calm() {
		return
	}
	n := r.nodes[r.rand.IntN(len(r.nodes))]
	switch k := r.rand.IntN(7); {
	case k == 0 && r.faults.crash:
		n.crash(r.span(100 * time.Millisecond))
	case k == 1 && r.faults.freeze:
		n.freeze(r.span(r.stall()))
	case k == 2 && r.faults.cut:
		n.separate(r.span(r.request()))
		if r.chance(0.3) {
			r.table.first = r.table.revision()
		}
	case k == 3 && r.faults.down && !r.table.down:
		d := r.span(r.request())
		r.oracle.say("down for %v", d)
		r.downUntil = r.now + d
		r.oracle.troubled = max(r.oracle.troubled, r.downUntil)
		r.table.stop(d)
	case k == 4 && r.faults.lose:
		r.lose()
	case k == 5 && r.faults.wipe && r.chance(0.3):
		r.oracle.say("wipe")
		r.table.wipe()
		r.lost()
	case k == 6 && r.faults.split && r.old == nil && !r.table.down:
		r.split()
	default:
		r.after(r.between(0, time.Second), r.trouble)
		return
	}
	r.after(r.between(0, r.pause), r.trouble)
}

// interrupt sometimes freezes a process just when it is about to settle a claim, or cuts it off.
func (r *run) interrupt(n *node) {
	switch {
	case r.now > r.calm() || !r.chance(0.05):
	case r.faults.freeze && r.chance(0.5):
		n.freeze(r.span(r.stall()))
	case r.faults.cut:
		n.separate(r.span(r.request()))
	}
}

// span is how long a fault takes: shorter than Lapse, about Lapse, or about a timeout.
func (r *run) span(least time.Duration) time.Duration {
	switch r.rand.IntN(3) {
	case 0:
		return r.between(least, r.lapse)
	case 1:
		return r.times(r.lapse, 0.8, 1.6)
	default:
		return min(r.times(r.timeout, 0.5, 2)+r.lapse, time.Minute)
	}
}

// surprise sometimes makes the table lose what a node has not read, but another one has. So the
// node does not notice, and asks its question at a revision that the other one has read before.
func (r *run) surprise(n *node) {
	if !r.faults.lose || n.cut || r.now > r.calm() || !r.chance(0.2) {
		return
	}
	for _, other := range r.nodes {
		if m := other.member; m != nil && m.synced && m.revision > n.member.revision && n.member.revision > 0 {
			r.oracle.say("lose what %d has not read", n.member.id)
			r.loseChanges(r.table.revision() - n.member.revision)
			return
		}
	}
}

// lose makes the table go back, sometimes far.
func (r *run) lose() {
	n := 1 + r.rand.IntN(3)
	switch r.rand.IntN(3) {
	case 0: // what one member has not read
		if m := r.nodes[r.rand.IntN(len(r.nodes))].member; m != nil && m.revision < r.table.revision() {
			n = min(40, r.table.revision()-m.revision)
		}
	case 1:
		n = 1 + r.rand.IntN(40)
	}
	r.loseChanges(n)
}

func (r *run) loseChanges(n int) {
	if n <= 0 {
		return
	}
	r.oracle.say("lose %d", n)
	r.table.lose(n)
	r.lost()
}

// lost tells the oracle that the table went back.
func (r *run) lost() {
	r.oracle.lostAt = r.now
	noticed := max(r.now, r.downUntil) + r.lapse // by each member
	r.oracle.wentBack = max(r.oracle.wentBack, noticed)
	r.oracle.troubled = max(r.oracle.troubled, r.oracle.wentBack)
	for _, n := range r.nodes {
		if m := n.member; m != nil {
			if _, ok := r.table.records[key{'m', m.id}]; !ok && r.oracle.removed[m.id] == 0 {
				r.oracle.removed[m.id] = r.now
			}
		}
	}
	r.oracle.findVanished(nil)
}

// split makes a second primary. Some nodes still reach the old one. It writes until it notices that
// it has no replica.
func (r *run) split() {
	r.old, r.table = r.table, r.table.fork()
	old := r.old
	r.oracle.say("split")
	r.oracle.splitAt = r.now
	fence := r.times(r.lapse, 0.5, 0.85)
	if r.nodes[0].longFence {
		fence *= 4
	}
	heal := max(fence+r.between(0, 10*time.Second), r.span(0))
	for i := range r.nodes {
		r.onOld[i] = map[connection]bool{forReads: r.chance(0.5), forWrites: r.chance(0.5)}
		if r.chance(0.7) {
			r.onOld[i][forReads] = r.onOld[i][forWrites]
		}
		if r.onOld[i][forReads] || r.onOld[i][forWrites] {
			r.nodes[i].disturbed = max(r.nodes[i].disturbed, r.now+heal)
		}
	}
	r.oracle.wentBack = max(r.oracle.wentBack, r.now+heal)
	r.oracle.troubled = max(r.oracle.troubled, r.now+heal)
	r.after(fence, func() { old.down, old.readers = true, nil })
	r.after(heal, func() {
		r.oracle.say("healed")
		r.old = nil
		clear(r.onOld)
		r.lost()
	})
}
