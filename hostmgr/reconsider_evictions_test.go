package hostmgr_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A forgivingPolicy gives a host that was evicted ten more intervals.
type forgivingPolicy struct{ factor atomic.Int64 }

func (*forgivingPolicy) NeedsHistory() bool { return true }

func (p *forgivingPolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	evict = time.Duration(p.factor.Load()) * h.Interval
	if h.Evictions > 0 {
		evict += 10 * h.Interval
	}
	return evict, evict
}

// A host joined again after an eviction, which is forgotten by now, and has made no contact since.
// Reconsider replaces the answer to that eviction too.
func TestReconsiderAfterAnEvictionIsForgotten(t *testing.T) {
	p := &forgivingPolicy{}
	p.factor.Store(2)
	s := newScript(t, hostmgr.Config[string]{Policy: p})
	timeout := func() time.Duration { return s.get("a").EvictAt.Sub(s.get("a").LastContact) }
	a := hostmgr.Announcement[string]{ID: "a", Interval: time.Hour}
	s.announce(a)
	require.Equal(t, 1, s.after(2*time.Hour+1).Evicted)
	s.announce(a)
	require.Equal(t, 12*time.Hour, timeout())
	s.after(time.Hour + 1)
	require.Zero(t, s.get("a").Evictions)
	p.factor.Store(3)
	s.Reconsider()
	require.Equal(t, 3*time.Hour, timeout())
}
