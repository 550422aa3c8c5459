package hostmgr

import (
	"math/bits"
	"math/rand/v2"
)

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
		batch := r.drawBatch(hosts[len(hosts):n])
		for _, h := range batch { // in place: what is kept is not ahead of what is read
			if !drawn[h.ID] && fits(h, keep) {
				drawn[h.ID] = true
				hosts = append(hosts, h)
			}
		}
	}
	return hosts
}

// drawBatch fills room with hosts that are drawn independently, as far as it can.
func (r *Registry[M]) drawBatch(room []Host[M]) []Host[M] {
	now := r.rlock()
	defer r.mu.RUnlock()
	drawn := r.table.pick(len(room))
	reach(drawn, room)
	for i, l := range drawn {
		r.show(&room[i], l, now)
	}
	return room[:len(drawn)]
}

// reach reads a little of all that show reads of lives that are cold and far apart. Its
// loops only read, and decide nothing, so that the processor waits for many lives at the
// same time. What is read has to go somewhere, or it would not be.
func reach[M any](lives []life[M], room []Host[M]) {
	for i, l := range lives {
		room[i].Life = l.key().rest + uint64(l.mark().terms)
	}
	records := make([]*record, len(lives))
	for i, l := range lives {
		c, j := l.rest()
		records[i] = &c.records[j]
		l.load(&room[i].Metadata)
	}
	for i, r := range records {
		room[i].Life = uint64(r.id[0]) + uint64(r.size)
	}
}

// pick draws up to k lives: slots are hit at random, each of every page's, and those
// that smaller pages lack, as likely as any other (to within 2^-32). Its loops are like
// those of reach.
func (t *table[M]) pick(k int) []life[M] {
	slots := t.widest()
	if len(t.schedule) == 1 {
		slots = len(t.schedule[0].page.words)
	}
	lives := make([]life[M], 0, 2*k+8)
	for range 2*k + 8 {
		at, rest := bits.Mul64(rand.Uint64(), uint64(len(t.schedule)))
		i, _ := bits.Mul64(rest, uint64(slots))
		if p := t.schedule[at].page; int(i) < len(p.words) {
			lives = append(lives, life[M]{p, int(i)})
		}
	}
	there := make([]bool, len(lives))
	for i, l := range lives {
		there[i] = l.word().there()
	}
	hit := lives[:0]
	for i, l := range lives {
		if there[i] && len(hit) < k {
			hit = append(hit, l)
		}
	}
	return hit
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
