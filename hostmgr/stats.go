package hostmgr

import "time"

// Stats are a registry's counts, since it was made unless said otherwise.
type Stats struct {
	Hosts    int // there now
	Suspects int // of them, those that a sweep found suspect and that were not heard since
	Held     int // of them, those that were due at the last look but held

	Joins uint64 // lives begun: each ends in one of the four departures
	// Departures by kind. Left is the normal one, Evicted the abnormal.
	Left, Evicted, Replaced, Forgotten uint64

	CleanupPending  int       // departed hosts whose cleanup has not succeeded yet, now
	CleanupOldest   time.Time // when the first of them departed; zero if there is none
	CleanupFailures uint64    // tries that returned an error, panicked or ended their goroutine
	ConfirmFailures uint64    // likewise
	PolicyFaults    uint64    // answers of the policy that could not be meant

	Sweeps  uint64
	Stalls  uint64
	Excused time.Duration // the length of all stalls
}

func (s *Stats) departed(k Kind) {
	switch k {
	case Left:
		s.Left++
	case Evicted:
		s.Evicted++
	case Replaced:
		s.Replaced++
	default:
		s.Forgotten++
	}
}

// Stats returns the counts as they are now, in O(1).
func (r *Registry[M]) Stats() Stats {
	r.mu.RLock()
	s := r.counts
	s.Hosts, s.Suspects, s.Held = r.zones.all.hosts, r.zones.all.suspects, r.held
	s.Stalls, s.Excused = r.ledger.count, time.Duration(r.ledger.total)
	r.mu.RUnlock()
	r.clean.count(&s)
	s.PolicyFaults = r.judge.faults.Load()
	return s
}
