package flight

import (
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// timeout returns the silence after which a policy evicts a host with this history; 0: never. It
// asks a registry, which fills in the defaults of a policy and refuses invalid answers.
func timeout(p hostmgr.Policy, h hostmgr.History) (time.Duration, error) {
	const id = "host"
	r, err := hostmgr.New(hostmgr.Config[struct{}]{Policy: withHistory{p, h}, Clock: stoppedClock{}})
	if err != nil {
		return 0, err
	}
	if _, err = r.Announce(hostmgr.Announcement[struct{}]{ID: id, Interval: h.Interval}); err != nil {
		return 0, err
	}
	host, ok := r.Get(id)
	switch {
	case !ok || r.Stats().PolicyErrors > 0:
		return 0, errors.New("the policy panics, or its answer is not valid")
	case host.EvictAt.IsZero():
		return 0, nil
	}
	return host.EvictAt.Sub(host.LastContact), nil
}

func needsHistory(p hostmgr.Policy) bool {
	h, ok := p.(hostmgr.HistoryPolicy)
	return ok && h.NeedsHistory()
}

// withHistory is a policy that gets this history, whatever the registry knows. For the registry it
// is no HistoryPolicy.
type withHistory struct {
	hostmgr.Policy
	history hostmgr.History
}

func (p withHistory) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	if needsHistory(p.Policy) {
		h = p.history
	}
	return p.Policy.Timeouts(h)
}

// stoppedClock is a clock that never moves.
type stoppedClock struct{}

func (stoppedClock) Now() time.Time                       { return time.Unix(0, 0).UTC() }
func (stoppedClock) After(time.Duration) <-chan time.Time { return nil }
