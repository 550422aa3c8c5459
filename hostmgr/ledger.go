package hostmgr

import "sort"

// maxStalls is how many stalls a ledger remembers (32 bytes each). What lies
// before them counts as heard: that can only matter to a host that has been
// silent through that many stalls and all the listening in between.
const maxStalls = 4096

// A ledger remembers when the registry was deaf. Keeping the stalls, rather
// than a clock that stands still during them, lets beats be stored as they were
// read, and a departure state its evidence exactly: a beat that arrives within a
// stall, before any sweep has noticed it, is neither too young nor too old.
//
// A registry has two. One is for most hosts; its limit is the one that is configured. The other is for
// impatient hosts: under Run its limit is shorter, so there are more stalls in it.
type ledger struct {
	limit  int64 // the gap above which it is a stall; 0: none is
	given  int64 // a stall that is longer than this one has exceeded it
	last   int64 // when we last knew that we listened
	stalls []stall
	total  int64 // excused in all
	count  uint64
}

type stall struct {
	from, to int64
	limit    int64 // that it exceeded
	before   int64 // excused in all stalls before this one
}

// tick notes that we listen now, and returns what had to be excused.
func (g *ledger) tick(now int64) (excused int64) {
	if excused = g.open(now); excused > 0 {
		if len(g.stalls) == maxStalls {
			g.stalls = append(g.stalls[:0], g.stalls[maxStalls/2:]...)
		}
		g.stalls = append(g.stalls, stall{from: g.last, to: now, limit: g.exceeded(excused), before: g.total})
		g.total += excused
		g.count++
	}
	g.last = max(g.last, now)
	return excused
}

// open is the length of the stall that the next tick would find.
func (g *ledger) open(now int64) int64 {
	if gap := now - g.last; g.limit > 0 && gap > g.limit {
		return gap
	}
	return 0
}

// exceeded is the limit that a stall has exceeded: the given one, if it is so long.
func (g *ledger) exceeded(gap int64) int64 {
	if gap > g.given {
		return max(g.limit, g.given)
	}
	return g.limit
}

// excused is how much of the time from t to now was not listened to. A stall
// that no sweep has seen yet counts as well: what is shown must not depend on
// when the last sweep ran.
func (g *ledger) excused(t, now int64) int64 {
	var sum int64
	if g.open(now) > 0 {
		sum = max(0, now-max(t, g.last))
	}
	n := len(g.stalls)
	if n == 0 || t >= g.stalls[n-1].to {
		return sum
	}
	s := g.stalls[sort.Search(n, func(i int) bool { return g.stalls[i].to > t })]
	return sum + g.total - s.before - max(0, t-s.from)
}

// between is how much of the time from a to b, both of which lie in the past of now, was not
// listened to.
func (g *ledger) between(a, b, now int64) int64 { return g.excused(a, now) - g.excused(b, now) }

// listened is how much of the time from t to now was.
func (g *ledger) listened(t, now int64) int64 { return max(0, now-t-g.excused(t, now)) }

// due is when a host that was heard at seen, and not since, was due: the first moment at
// which a sweep would have evicted it, before until. Nobody would in a stall, even if no sweep
// has seen that yet.
func (g *ledger) due(seen int64, t *terms, until int64) (at int64, ok bool) {
	if t.evict == 0 {
		return 0, false
	}
	if g.open(until-1) > 0 {
		until = min(until, g.last+1)
	}
	i := sort.Search(len(g.stalls), func(i int) bool { return g.stalls[i].to > seen })
	var excused int64
	for ; ; i++ {
		listened := until // to when nobody was deaf, from the stall before on
		if i < len(g.stalls) {
			listened = min(until, g.stalls[i].from+1)
		}
		at = after(seen+excused, t.evict)
		if i > 0 {
			at = g.stalls[i-1].grace(at, t)
		}
		if at+1 < listened {
			return at + 1, true
		}
		if i >= len(g.stalls) {
			return 0, false
		}
		excused += g.stalls[i].to - max(g.stalls[i].from, seen)
	}
}

// latest is the latest stall, or ok is false. It keeps the limit that it exceeded,
// because Run, when it ends, takes its own back.
func (g *ledger) latest(now int64) (s stall, ok bool) {
	if gap := g.open(now); gap > 0 {
		return stall{from: g.last, to: now, limit: g.exceeded(gap)}, true
	}
	if n := len(g.stalls); n > 0 {
		return g.stalls[n-1], true
	}
	return stall{}, false
}
