package hostmgr

import "math/rand/v2"

// Sample returns up to n distinct hosts that are StateAlive or StateLate and that keep accepts. A
// nil keep accepts all hosts. Each such set of hosts is equally likely, so a scheduler can use it
// to pick parents. The result is shorter than n only if there are no more such hosts. It is empty
// if n is not positive. keep is called with no lock held, and may be called more than once for a
// host.
//
// Sample draws hosts at random and drops hosts that do not fit. It goes through all hosts only if
// too few fit. Neither method prefers a host, and by symmetry neither does the choice between them.
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

// draw makes at most 16 rounds of random draws. It may find fewer than n hosts.
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

// drawBatch fills room, as far as it can, with snapshots of hosts that are drawn independently.
func (r *Registry[M]) drawBatch(room []Host[M]) []Host[M] {
	s, now := r.rlock()
	defer r.mu.RUnlock()
	drawn := s.index.Pick(len(room))
	for i, e := range drawn {
		s.ownSnapshot(&room[i], e, now)
	}
	return room[:len(drawn)]
}

// reservoir samples all hosts by Vitter's algorithm R (1985).
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
	return (h.State == StateAlive || h.State == StateLate) && (keep == nil || keep(h))
}
