package dragonfly_test

import (
	"fmt"
	"testing"
	"time"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/config"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hostlife/hostlife/examples/dragonfly"
)

// A manager is a host manager, and what a scheduler does when it hears a host.
type manager struct {
	standard.HostManager

	heard func(*standard.Host) (*standard.Host, bool)
}

// announceHost does what AnnounceHost does before it answers OK, with the patch of MIGRATING.md.
func (m manager) announceHost(id string, made func() *standard.Host) *standard.Host {
	host, ok := m.Load(id)
	if ok {
		host, ok = m.heard(host)
	}
	if !ok {
		host, _ = m.LoadOrStore(made())
	}
	return host
}

// managers are the two to compare.
var managers = []struct {
	name string
	open func(testing.TB) manager
}{{"dragonfly", openTheirs}, {"hostlife", openOurs}}

// openTheirs returns the manager of Dragonfly itself.
func openTheirs(t testing.TB) manager {
	t.Helper()
	resource, err := standard.New(config.New(), pkggc.New(), insecure.NewCredentials())
	require.NoError(t, err)
	return manager{resource.HostManager(), func(host *standard.Host) (*standard.Host, bool) {
		host.UpdatedAt.Store(time.Now())
		return host, true
	}}
}

func openOurs(t testing.TB) manager {
	t.Helper()
	hosts := newHosts(t, dragonfly.Options{})
	return manager{hosts, hosts.Heard}
}

func newHosts(t testing.TB, options dragonfly.Options) *dragonfly.Hosts {
	t.Helper()
	hosts, err := newHostsOr(options)
	require.NoError(t, err)
	return hosts
}

func newHostsOr(options dragonfly.Options) (*dragonfly.Hosts, error) {
	return dragonfly.New(&config.New().Scheduler.GC, pkggc.New(), options)
}

const interval = 5 * time.Minute // of Dragonfly's clients

// newHost returns a host that was heard just now.
func newHost(id string, options ...standard.HostOption) *standard.Host {
	return newHostOf(types.HostTypeNormal, id, options...)
}

func newSeed(id string, options ...standard.HostOption) *standard.Host {
	return newHostOf(types.HostTypeSuperSeed, id, options...)
}

func newHostOf(kind types.HostType, id string, options ...standard.HostOption) *standard.Host {
	options = append([]standard.HostOption{standard.WithAnnounceInterval(interval)}, options...)
	return standard.NewHost(id, "10.0.0.1", id, id, 8003, 8001, 4001, kind, options...)
}

// newFleet returns n hosts, of which every thousandth is a seed.
func newFleet(n int) []*standard.Host {
	hosts := make([]*standard.Host, n)
	for i := range hosts {
		kind := types.HostTypeNormal
		if i%1000 == 0 {
			kind = types.HostTypeSuperSeed
		}
		hosts[i] = newHostOf(kind, fmt.Sprintf("10.0.%d.%d-host-%d", i>>8&255, i&255, i))
	}
	return hosts
}

func storeAll(m standard.HostManager, hosts []*standard.Host) {
	for _, host := range hosts {
		m.Store(host)
	}
}

// age makes the last contact of a host longer ago.
func age(host *standard.Host, by time.Duration) {
	host.UpdatedAt.Store(time.Now().Add(-by))
}
