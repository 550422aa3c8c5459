package hostmgr

import (
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const (
	never      = detector.Never
	maxTimeout = detector.MaxTimeout
	// maxAnswers is how many answers are kept. For any other interval each Announce asks.
	maxAnswers = 1024
)

// policies asks Config.Policy and Config.Shadow, which may be nil, for the timeouts of hosts, by
// interval and arrival history. It is called with no lock held.
type policies struct {
	policy, shadow policyAdapter
	needHistory    bool  // one of the two does
	threshold      int64 // the stall threshold of hosts that are not impatient
	log            *slog.Logger
	answers        atomic.Pointer[map[time.Duration]*detector.Timeouts] // replaced, never changed in place
	errors         atomic.Uint64
}

// A policyAdapter is a policy and whether it needs the arrival history.
type policyAdapter struct {
	Policy
	needsHistory bool
}

func adapt(p Policy) policyAdapter { return policyAdapter{prepare(p), needsHistory(p)} }

func newPolicies(policy, shadow Policy, threshold int64, log *slog.Logger) *policies {
	p := &policies{policy: adapt(policy), shadow: adapt(shadow), threshold: threshold, log: log}
	p.needHistory = p.policy.needsHistory || p.shadow.needsHistory
	p.answers.Store(&map[time.Duration]*detector.Timeouts{})
	return p
}

// timeouts returns the answers for a host without arrival history.
func (p *policies) timeouts(interval time.Duration) *detector.Timeouts {
	if t, ok := (*p.answers.Load())[interval]; ok {
		return t
	}
	h := detector.History{Interval: interval}
	t := p.ask(p.policy, h)
	if p.shadow.Policy != nil {
		t.Shadow = p.ask(p.shadow, h).Evict
	}
	t.Classify(p.threshold)
	p.keep(&t)
	return &t
}

// timeoutsByHistory returns the answers for a host with this history. It asks only the policies
// that need the history.
func (p *policies) timeoutsByHistory(h detector.History) detector.Timeouts {
	t := *p.timeouts(h.Interval)
	if p.policy.needsHistory {
		a := p.ask(p.policy, h)
		t.Suspect, t.Evict = a.Suspect, a.Evict
	}
	if p.shadow.needsHistory {
		t.Shadow = p.ask(p.shadow, h).Evict
	}
	return t
}

// ask returns the answer of one policy, or the answer of Fixed(2) if that is not valid.
func (p *policies) ask(a policyAdapter, h detector.History) detector.Timeouts {
	t := detector.Timeouts{Interval: h.Interval, NeedsHistory: a.needsHistory}
	if err := askPolicy(a.Policy, h, &t); err != nil {
		p.errors.Add(1)
		p.log.Error("invalid policy answer, using Fixed(2) instead", "policy", fmt.Sprintf("%T", a.Policy),
			"interval", h.Interval, "err", brief(err))
		t.Suspect, t.Evict = Fixed(2).Timeouts(History(h))
	}
	return t
}

func askPolicy(p Policy, h detector.History, t *detector.Timeouts) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("policy panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	t.Suspect, t.Evict = p.Timeouts(History(h))
	return t.Normalize()
}

func (p *policies) keep(t *detector.Timeouts) {
	for {
		old := p.answers.Load()
		if len(*old) >= maxAnswers {
			return
		}
		answers := maps.Clone(*old)
		answers[t.Interval] = t
		if p.answers.CompareAndSwap(old, &answers) {
			return
		}
	}
}
