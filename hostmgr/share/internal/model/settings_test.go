package model

import "time"

// settings are the windows of one seed.
type settings struct {
	nodes, clients int
	interval       time.Duration // of the hosts
	timeout        time.Duration // of silence, for the eviction
	suspect        time.Duration // of silence, for the suspicion; 0: no host is suspect
	lapse          time.Duration
	tick           time.Duration // sweeps, and what the protocol does from time to time
	latency        time.Duration // of a request, and of its answer, at most
	slow           float64       // share of requests, and of answers, that take longer
	slowest        time.Duration // how long these take at most
	pause          time.Duration // between faults, at most
}

// The other durations follow from these.
func (s *settings) renewal() time.Duration { return s.lapse / 5 }  // from one to the next
func (s *settings) request() time.Duration { return s.lapse / 10 } // after it, a request has failed
func (s *settings) touch() time.Duration   { return s.renewal() * 3 / 2 }
func (s *settings) stall() time.Duration   { return 4 * s.tick }
func (s *settings) margin() time.Duration  { return s.lapse / 20 } // of the lease

// calm is when faults end; rest is when all must have come to rest.
func (s *settings) calm() time.Duration { return 150 * time.Second }
func (s *settings) rest() time.Duration { return s.calm() + 75*time.Second + 5*s.timeout + 10*s.lapse }

// drawSettings draws the settings of a seed. With a fence, Lapse is long enough for one: an old
// primary refuses writes after 0.5 to 0.85 of it.
func (w *world) drawSettings(fence bool) *settings {
	s := &settings{
		nodes: 2 + w.rand.IntN(3), clients: 4 + w.rand.IntN(9),
		interval: w.between(1500*time.Millisecond, 8*time.Second),
		lapse:    w.between(2*time.Second, 5*time.Second),
		latency:  w.between(time.Millisecond, 10*time.Millisecond),
		pause:    w.between(3*time.Second, 30*time.Second),
	}
	if fence {
		s.lapse = w.between(4*time.Second, 12*time.Second)
	}
	s.timeout = w.times(s.interval, 2, 3)
	if w.chance(0.5) {
		s.suspect = w.times(s.interval, 1.1, 1.8)
	}
	s.tick = w.times(s.lapse, 1.0/40, 1.0/20)
	s.slow = []float64{0, 0.005, 0.03, 0.1}[w.rand.IntN(4)]
	s.slowest = w.times(s.lapse, 0.02, 0.25)
	return s
}
