package model

import "time"

// A run is one seed: nodes, a table, hosts, and faults.
type run struct {
	*world
	*settings
	faults faults
	nodes  []*node
	table  *table
	old    *table                // the old primary, during a split
	onOld  []map[connection]bool // nodes that reach the old primary
	oracle *oracle

	downUntil time.Duration // the engine
}

// play plays one seed.
func play(seed uint64, f faults, d defects, trace bool) *oracle {
	w := newWorld(seed)
	s := w.drawSettings(f.split)
	r := &run{world: w, settings: s, faults: f, table: newTable(w), onOld: make([]map[connection]bool, s.nodes), oracle: newOracle(w, s)}
	r.oracle.trace = trace
	r.oracle.truth = func() *table { return r.table }
	r.oracle.two = func() bool { return r.old != nil }
	r.oracle.say("%+v", *s)
	r.table.wrote = r.oracle.wrote
	for i := range s.nodes {
		r.nodes = append(r.nodes, &node{
			world: w, settings: s, defects: &d, oracle: r.oracle, name: i, disturbed: never,
			asks:   func() { r.surprise(r.nodes[i]) },
			claims: func() { r.interrupt(r.nodes[i]) },
			reach: func(c connection) *table {
				if r.onOld[i][c] {
					return r.old
				}
				return r.table
			},
		})
	}
	r.oracle.nodes = r.nodes
	for _, n := range r.nodes {
		w.after(w.between(0, time.Second), n.start)
	}
	for i := range s.clients {
		w.after(w.between(time.Second, 10*time.Second), func() { r.newClient(i) })
	}
	w.after(10*time.Second, r.trouble)
	w.run(s.rest())
	r.oracle.finish()
	return r.oracle
}
