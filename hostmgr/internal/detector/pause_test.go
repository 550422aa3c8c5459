package detector

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A machine pauses: what waits in a pause goes on when that is over.
type machine struct{ pauses []Stall }

func newMachine(rnd *rand.Rand, end int64) *machine {
	m := &machine{}
	for at := int64(0); at < end; {
		at += rnd.Int64N(1000 * ms)
		to := at + rnd.Int64N(800*ms)
		m.pauses = append(m.pauses, Stall{From: at, To: to})
		at = to
	}
	return m
}

// wakes is when a wait ends that would have ended at t.
func (m *machine) wakes(t int64) int64 {
	for _, p := range m.pauses {
		if t > p.From && t < p.To {
			return p.To
		}
	}
	return t
}

// A pausedHost comes and, unless it dies, sends a heartbeat each interval.
type pausedHost struct {
	*Timeouts
	joins, dies   int64
	contact, next int64
	there         bool
}

func (h *pausedHost) heartbeat(s *Stalls, m *machine, now int64) (wake int64) {
	wake = Never
	if !h.there {
		h.there = true
		_, _, wake = s.Track(h.Timeouts, 1, now)
	}
	h.contact = now
	h.next = m.wakes(now+int64(h.Interval)) + int64(h.Interval)/50
	if h.next > h.dies {
		h.next = Never
	}
	return wake
}

// runPaused sweeps at each deadline, and at least twice in the limit, as Run does, on a machine
// that pauses. It returns the hosts that were evicted.
func runPaused(s *Stalls, m *machine, hosts []*pausedHost, end int64) (evicted []*pausedHost) {
	s.SetThreshold(500*ms, true)
	sweep := int64(0)
	for now := int64(0); now < end; {
		if now == sweep {
			s.Observe(now)
			s.SweepBegins(now)
			sweep = now + s.Limit()/2
			for _, h := range hosts {
				if !h.there {
					continue
				}
				v := assess(s, h.contact, h.Timeouts, now)
				if v.State == StateOffline {
					evicted = append(evicted, h)
					h.there, h.next = false, Never
					s.Track(h.Timeouts, -1, now)
					continue
				}
				sweep = min(sweep, v.Next(v.State >= StateSuspect))
			}
			sweep = m.wakes(max(sweep, now+1))
		}
		next := sweep
		for _, h := range hosts {
			if h.next == now {
				sweep = min(sweep, m.wakes(h.heartbeat(s, m, now)))
				sweep = min(sweep, m.wakes(now+h.Wait(false)+1))
			}
			next = min(next, h.next)
		}
		now = max(now+1, min(next, sweep))
	}
	return evicted
}

// Under Run no pause of the process evicts a host with heartbeats on time, for intervals from 10 ms
// to a second in one registry; those that die are found.
func TestNoPauseEvictsAHost(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		m := newMachine(rnd, 10_000*ms)
		s := NewStalls(500 * ms)
		const end = 12_000 * ms
		var hosts []*pausedHost
		for _, interval := range []int64{10 * ms, 30 * ms, 100 * ms, 400 * ms, 1000 * ms} {
			for _, dies := range []int64{Never, 2000 * ms} {
				x := &Timeouts{Interval: time.Duration(interval), Evict: time.Duration(interval * 2)}
				if seed%2 == 0 {
					x.Evict = time.Duration(interval + 30*ms)
					x.Suspect = time.Duration(interval + 10*ms)
				}
				x.Classify(s.Longest())
				from := m.wakes(rnd.Int64N(3000 * ms))
				hosts = append(hosts, &pausedHost{Timeouts: x, joins: from, next: from, dies: max(dies, from+1)})
			}
		}
		evicted := runPaused(s, m, hosts, end+20_000*ms)
		for _, h := range evicted {
			require.NotEqual(t, Never, h.dies, "seed %d: evicted though its heartbeats are on time: %+v", seed, h)
		}
		require.Len(t, evicted, 5, "seed %d", seed)
	}
}
