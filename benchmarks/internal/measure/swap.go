package measure

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// A swapper does the least that any heartbeat by id must that reads the clock: it has a cache
// line for each host, knows which one as soon as it has hashed the id, and does not look
// whether that is the host's.
type swapper struct {
	seed  maphash.Seed
	start time.Time
	lines [][8]int64
}

// swaps returns the heartbeats a nanosecond of a swapper, on one goroutine and on all
// processors.
func (b *bench) swaps() (one, par float64) {
	s := &swapper{seed: maphash.MakeSeed(), start: time.Now(), lines: make([][8]int64, b.opt.N)}
	for i := range s.lines {
		s.lines[i][0] = -1 // or all pages would be the one page of zeroes
	}
	one, _ = b.ids.heartbeatFor(s, b.window()) // a swapper refuses no host
	par, _ = b.ids.beatPar(s, b.window())
	return one, par
}

func (s *swapper) Heartbeat(id string) bool {
	now := int64(time.Since(s.start))
	word := &s.lines[maphash.String(s.seed, id)%uint64(len(s.lines))][0]
	for old := atomic.LoadInt64(word); old < now; old = atomic.LoadInt64(word) {
		if atomic.CompareAndSwapInt64(word, old, now) {
			break
		}
	}
	return true
}
