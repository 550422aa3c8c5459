package hostmgr_test

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// Intervals is a policy that an operator changes while the service runs.
type Intervals struct{ number atomic.Int64 }

func (n *Intervals) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	return 0, time.Duration(n.number.Load()) * h.Interval
}

// An operator gives all hosts more time. Reconsider asks the policy again.
func ExampleRegistry_Reconsider() {
	policy := &Intervals{}
	policy.number.Store(2)
	hosts, _ := hostmgr.New(hostmgr.Config[string]{Clock: clock.NewMock(), Policy: policy})
	_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Second})

	policy.number.Store(6)
	hosts.Reconsider()
	a, _ := hosts.Get("a")
	fmt.Println("evicted after", a.EvictAt.Sub(a.LastContact))
	// Output: evicted after 1m0s
}
