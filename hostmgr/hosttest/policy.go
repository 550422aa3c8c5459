package hosttest

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// TestPolicy checks a policy with many histories, whose intervals are from 10 ms to 24 h. Common
// intervals are among them: 1, 5, 10 and 30 seconds, 1 and 5 minutes, and an hour. It fails the
// test for each rule that the policy breaks, and names the first [hostmgr.History] that shows it:
//   - hostmgr.New accepts the policy;
//   - Timeouts does not panic, and returns no negative timeout;
//   - Timeouts is pure: it returns the same for the same History, whenever it is asked, on many
//     goroutines at once; run the test with -race too;
//   - a host that is on time is not evicted: evict is 0, or interval + min(interval/10, 10 ms) or
//     more;
//   - a host that is on time is not suspect, and no host becomes suspect after its eviction;
//   - of two hosts that differ only in their interval, the one with the longer interval has no
//     shorter timeout;
//   - NeedsHistory always returns the same. If it returns false, or the policy does not have it,
//     Timeouts does not use Mean, Deviation, Count and Evictions: the registry sets them to zero.
func TestPolicy(t testing.TB, p hostmgr.Policy) {
	t.Helper()
	s := &suite{policy: p, faults: map[string]*fault{}}
	if !s.acceptedByNew() {
		s.report(t)
		return
	}
	needs := s.needsHistory()
	all := histories(needs)
	first := s.checkEach(all)
	s.checkAgain(all, first)
	s.checkIntervals(needs)
	if !needs {
		s.checkHistoryUnused()
	}
	s.checkNeedsHistory(needs)
	s.report(t)
}

// A suite is one call of TestPolicy.
type suite struct {
	policy hostmgr.Policy

	mu     sync.Mutex // guards all below
	faults map[string]*fault
	order  []string // of the broken rules
}

// A fault is the first case in which a rule was broken, and the number of cases.
type fault struct {
	text  string
	times int
}

// broken notes that a rule is broken.
func (s *suite) broken(rule, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[rule]
	if f == nil {
		f = &fault{text: fmt.Sprintf(format, args...)}
		s.faults[rule] = f
		s.order = append(s.order, rule)
	}
	f.times++
}

func (s *suite) report(t testing.TB) {
	t.Helper()
	for _, rule := range s.order {
		f := s.faults[rule]
		more := ""
		if f.times > 1 {
			more = fmt.Sprintf(" (and %d times more)", f.times-1)
		}
		t.Errorf("%T %s: %s%s", s.policy, rule, f.text, more)
	}
}

func (s *suite) acceptedByNew() bool {
	_, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: s.policy})
	switch {
	case s.policy == nil:
		s.broken("is nil", "hostmgr.New would use Fixed(2)")
	case err != nil:
		s.broken("is refused by hostmgr.New", "%v", err)
	}
	return s.policy != nil && err == nil
}

func (s *suite) needsHistory() bool {
	h, ok := s.policy.(hostmgr.HistoryPolicy)
	return ok && h.NeedsHistory()
}

// An answer is what a policy returned.
type answer struct{ suspect, evict time.Duration }

func (a answer) String() string { return fmt.Sprintf("(%v, %v)", a.suspect, a.evict) }

// ask asks the policy. ok is false if it panicked.
func (s *suite) ask(h hostmgr.History) (a answer, ok bool) {
	defer func() {
		if !ok {
			s.broken("panics", "%v for %s\n%s", recover(), show(h), debug.Stack())
		}
	}()
	a.suspect, a.evict = s.policy.Timeouts(h)
	return a, true
}

// show returns a History in the form in which a test can contain it.
func show(h hostmgr.History) string { return fmt.Sprintf("%+v", h) }

// checkEach checks each answer by itself, and returns the answers.
func (s *suite) checkEach(all []hostmgr.History) []answer {
	answers := make([]answer, len(all))
	for i, h := range all {
		a, ok := s.ask(h)
		if answers[i] = a; !ok {
			continue
		}
		least := h.Interval + min(h.Interval/10, 10*time.Millisecond)
		switch {
		case a.suspect < 0 || a.evict < 0:
			s.broken("returns a negative timeout", "%v for %s", a, show(h))
		case a.evict != 0 && a.evict < least:
			s.broken("evicts a host that is on time", "%v for %s: the least is %v", a, show(h), least)
		case a.suspect != 0 && a.suspect < h.Interval:
			s.broken("suspects a host that is on time", "%v for %s", a, show(h))
		case a.evict != 0 && a.suspect > a.evict:
			s.broken("suspects a host after its eviction", "%v for %s", a, show(h))
		}
	}
	return answers
}

// checkAgain asks for all histories again: in the reverse order, and on many goroutines.
func (s *suite) checkAgain(all []hostmgr.History, first []answer) {
	again := func(i int) {
		if a, ok := s.ask(all[i]); ok && a != first[i] {
			s.broken("is not pure", "%v and then %v for the same %s", first[i], a, show(all[i]))
		}
	}
	for i := range all {
		again(len(all) - 1 - i)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range all {
				again((i + g*len(all)/8) % len(all))
			}
		})
	}
	wg.Wait()
}

// checkIntervals compares hosts that differ only in their interval.
func (s *suite) checkIntervals(needs bool) {
	for _, zone := range zones {
		for _, regular := range []bool{false, true} {
			if !regular || needs {
				s.checkMonotone(zone, regular)
			}
		}
	}
}

func (s *suite) checkMonotone(zone string, regular bool) {
	var shorter hostmgr.History
	var before answer
	for _, interval := range intervals() {
		h := hostmgr.History{Interval: interval, Zone: zone}
		if regular {
			h.Mean, h.Count = interval, 64
		}
		a, ok := s.ask(h)
		if ok && shorter.Interval > 0 && (less(a.evict, before.evict) || a.suspect > 0 && a.suspect < before.suspect) {
			s.broken("has a shorter timeout for a longer interval", "%v for %s, but %v for %s", a, show(h), before, show(shorter))
		}
		shorter, before = h, a
	}
}

// less compares timeouts, of which 0 is the longest.
func less(a, b time.Duration) bool { return a != 0 && (b == 0 || a < b) }

// checkHistoryUnused checks a policy that does not ask for the history of each host.
func (s *suite) checkHistoryUnused() {
	for _, interval := range intervals() {
		plain := hostmgr.History{Interval: interval}
		without, ok := s.ask(plain)
		for _, h := range []hostmgr.History{
			{Mean: 2 * interval}, {Deviation: interval}, {Count: 100}, {Evictions: 3},
			{Mean: interval, Deviation: interval / 8, Count: 1000, Evictions: math.MaxInt},
		} {
			h.Interval = interval
			with, ok2 := s.ask(h)
			if ok && ok2 && with != without {
				s.broken("uses the history without NeedsHistory", "%v for %s, but %v for %s", with, show(h), without, show(plain))
			}
		}
	}
}

func (s *suite) checkNeedsHistory(first bool) {
	for range 100 {
		if s.needsHistory() != first {
			s.broken("changes what NeedsHistory returns", "%v, and later %v", first, !first)
		}
	}
}
