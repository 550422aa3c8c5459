package hostmgr

import "math/rand/v2"

// Sample returns up to n distinct hosts that are Alive or Late and that keep
// accepts (nil accepts all), each set of them as likely as any other: what a
// scheduler picks parents with. It returns fewer only if there are no more, and none
// if n is not positive. keep runs with no lock held, and may be asked about a host more than once.
//
// It draws hosts at random and throws back those that don't fit; only if too few
// fit does it go through all of them. By symmetry neither way prefers a host,
// nor does which of the two it comes to.
func (r *Registry[M]) Sample(n int, keep func(Host[M]) bool) []Host[M] {
	if n <= 0 {
		return nil
	}
	if n < r.Len()/4 {
		if hosts := r.draw(n, keep); len(hosts) == n {
			return hosts
		}
	}
	return r.reservoir(n, keep)
}

// draw makes a bounded number of random draws.
func (r *Registry[M]) draw(n int, keep func(Host[M]) bool) []Host[M] {
	hosts := make([]Host[M], 0, n)
	drawn := make(map[string]bool, n)
	for tries := 0; tries < 16 && len(hosts) < n; tries++ {
		for _, h := range r.drawBatch(n - len(hosts)) {
			if len(hosts) < n && !drawn[h.ID] && fits(h, keep) {
				drawn[h.ID] = true
				hosts = append(hosts, h)
			}
		}
	}
	return hosts
}

// drawBatch shows up to k hosts, drawn independently. What it touches is cold, and
// far apart; but it first finds all lives and then reaches for what is to be read
// of each, in loops so short that the processor waits for many at the same time.
func (r *Registry[M]) drawBatch(k int) []Host[M] {
	drawn := make([]life[M], 0, k)
	hosts := make([]Host[M], k)
	now := r.rlock()
	defer r.mu.RUnlock()
	for tries := 0; tries < 16*k && len(drawn) < k; tries++ {
		if l, ok := r.table.pick(); ok {
			drawn = append(drawn, l)
		}
	}
	for i, l := range drawn {
		c, j := l.rest()
		hosts[i].Metadata, hosts[i].Life = c.metadata[j], uint64(c.records[j].size)
	}
	for i, l := range drawn {
		hosts[i] = r.show(l, now)
	}
	return hosts[:len(drawn)]
}

// pick hits a slot at random: each of every page's, and those that smaller pages
// lack, are as likely as any other. It may miss, then it returns false.
func (t *table[M]) pick() (life[M], bool) {
	p, slots := t.schedule[rand.IntN(len(t.schedule))], maxSlots
	if len(t.schedule) == 1 {
		slots = len(p.words)
	}
	i := rand.IntN(slots)
	return life[M]{p, i}, i < len(p.words) && p.words[i].there()
}

// reservoir is Vitter's algorithm R (1985) over all hosts.
func (r *Registry[M]) reservoir(n int, keep func(Host[M]) bool) []Host[M] {
	var hosts []Host[M]
	seen := 0
	for h := range r.All() {
		if !fits(h, keep) {
			continue
		}
		seen++
		if len(hosts) < n {
			hosts = append(hosts, h)
		} else if i := rand.IntN(seen); i < n {
			hosts[i] = h
		}
	}
	return hosts
}

func fits[M any](h Host[M], keep func(Host[M]) bool) bool {
	return (h.State == Alive || h.State == Late) && (keep == nil || keep(h))
}
