package hostmgr

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/hostlife/hostlife/hostmgr/internal/detector"
)

const (
	never      = detector.Never
	maxTimeout = detector.MaxTimeout
)

// policies asks Config.Policy and Config.Shadow, which may be nil, for the timeouts of hosts, by
// interval, zone and arrival history. It is called with no lock held.
type policies struct {
	policy, shadow policyAdapter
	needHistory    bool  // one of the two does
	foreign        bool  // one of the two may use the zone of a host, or its evictions
	threshold      int64 // the stall threshold of hosts that are not impatient
	log            *slog.Logger
	answers        atomic.Pointer[answers] // replaced, never changed in place
	rounds         atomic.Uint64           // the calls of Reconsider
	errors         atomic.Uint64
}

// A policyAdapter is a policy, and what it may use of a History.
type policyAdapter struct {
	Policy
	needsHistory bool
	foreign      bool
}

func adapt(p Policy) policyAdapter { return policyAdapter{prepare(p), needsHistory(p), isForeign(p)} }

// isForeign reports whether a policy may use all fields of a History. The policies of this package
// use neither the zone nor the evictions.
func isForeign(p Policy) bool {
	switch p.(type) {
	case nil, Fixed, Tiered, PhiAccrual:
		return false
	}
	return true
}

func newPolicies(policy, shadow Policy, threshold int64, log *slog.Logger) *policies {
	p := &policies{policy: adapt(policy), shadow: adapt(shadow), threshold: threshold, log: log}
	p.needHistory = p.policy.needsHistory || p.shadow.needsHistory
	p.foreign = p.policy.foreign || p.shadow.foreign
	p.answers.Store(&answers{})
	return p
}

// timeouts returns the answers for a host without arrival history.
func (p *policies) timeouts(q question) *detector.Timeouts {
	a := p.answers.Load()
	if t, ok := a.get(q); ok {
		return t
	}
	t := p.askAfresh(q)
	p.keep(q, t, a.round)
	return t
}

// askAfresh asks both policies, whatever answers are kept. Neither is asked about Never.
func (p *policies) askAfresh(q question) *detector.Timeouts {
	if q.interval == Never {
		return &detector.Timeouts{Interval: Never}
	}
	h := History{Interval: q.interval, Zone: q.zone}
	t := p.ask(p.policy, h)
	if p.shadow.Policy != nil {
		t.Shadow = p.ask(p.shadow, h).Evict
	}
	t.Classify(p.threshold)
	return &t
}

// timeoutsByHistory returns the answers for a host with this history. It asks only the policies
// that need the history.
func (p *policies) timeoutsByHistory(h History) detector.Timeouts {
	t := *p.timeouts(question{h.Interval, h.Zone})
	if h.Interval == Never {
		return t
	}
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
func (p *policies) ask(a policyAdapter, h History) detector.Timeouts {
	t := detector.Timeouts{Interval: h.Interval, NeedsHistory: a.needsHistory}
	if err := askPolicy(a.Policy, h, &t); err != nil {
		p.errors.Add(1)
		p.log.Error("invalid policy answer, using Fixed(2) instead", "policy", fmt.Sprintf("%T", a.Policy),
			"interval", h.Interval, "err", brief(err))
		t.Suspect, t.Evict = Fixed(2).Timeouts(h)
	}
	return t
}

func askPolicy(p Policy, h History, t *detector.Timeouts) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("policy panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	t.Suspect, t.Evict = p.Timeouts(h)
	return t.Normalize()
}
