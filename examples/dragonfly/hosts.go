// Package dragonfly implements the host manager of Dragonfly's scheduler on a registry of hostlife.
//
// Hosts has all methods of standard.HostManager, so it takes the place of Dragonfly's own manager.
// MIGRATING.md says what changes in a scheduler, and what behaves differently.
package dragonfly

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
	"d7y.io/dragonfly/v2/pkg/types"
	"d7y.io/dragonfly/v2/scheduler/config"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

var _ standard.HostManager = (*Hosts)(nil)

// Options are what New can do without. The zero Options evict hosts as Dragonfly does.
type Options struct {
	// Policy says how much silence evicts a host. Nil means hostmgr.Fixed(2), as in Dragonfly.
	//
	// Dragonfly's clients announce every 300 s by default, and do not retry. With Fixed(2), one
	// lost announce evicts about half of the hosts that lose it. With Fixed(3) it evicts none.
	Policy hostmgr.Policy
	// EvictionLimit slows down evictions while too many hosts are missing at once, as after a
	// partition. Its zones are the types of hosts: "normal" and "super". The zero EvictionLimit
	// holds no host.
	EvictionLimit hostmgr.EvictionLimit
	// Clock is the time source. Nil means the system clock.
	Clock clock.Clock
	// Logger receives the evictions, in summaries, and the failures of cleanups. Nil logs nothing.
	// Dragonfly's own log has a line for each eviction, whatever Logger is.
	Logger *slog.Logger
}

// Hosts is a standard.HostManager. Its methods may be called concurrently.
//
// The registry decides which hosts there are, and of which type they are. Seeds are few and asked
// for often, so their ids are also in a map of their own:
//   - mu is held while a host joins both, and while Delete removes it from both.
//   - A sweep evicts from the registry alone. The cleanup of the eviction then takes mu, and removes
//     the id from the map only if the registry has no such host.
//
// So the map has the id of each seed that was stored and that the registry has, whenever mu is free.
// It may have more: readers pass over an id that the registry does not have, or not as a seed.
type Hosts struct {
	registry *hostmgr.Registry[Stored]
	policy   hostmgr.Policy
	clock    clock.Clock

	mu    sync.Mutex // guards changes that concern both registry and seeds
	seeds sync.Map   // has ids as keys, and no values
}

// A Stored is the metadata of a host in the registry. AnnounceHost writes to the host, its Type
// included, while others read it. Type is what it was when the host was stored.
type Stored struct {
	*standard.Host
	Type types.HostType
}

// New returns an empty manager. It adds the task standard.GCHostID to gc, which calls RunGC every
// cfg.HostGCInterval.
func New(cfg *config.GCConfig, gc pkggc.GC, options Options) (*Hosts, error) {
	h := &Hosts{policy: options.Policy, clock: options.Clock}
	h.policy = cmp.Or[hostmgr.Policy](h.policy, hostmgr.Fixed(2))
	h.clock = cmp.Or(h.clock, clock.System())
	var err error
	h.registry, err = hostmgr.New(hostmgr.Config[Stored]{
		Policy:        h.policy,
		EvictionLimit: options.EvictionLimit,
		Confirm:       h.confirm,
		Cleanup:       h.cleanUp,
		Clock:         h.clock,
		Logger:        options.Logger,
	})
	if err != nil {
		return nil, err
	}
	if err := gc.Add(pkggc.Task{
		ID:       standard.GCHostID,
		Interval: cfg.HostGCInterval,
		Timeout:  cfg.HostGCInterval,
		Runner:   h,
	}); err != nil {
		return nil, err
	}
	return h, nil
}

// Registry returns the registry, for its live page, its events and its figures. All its methods may
// be called:
//   - Run evicts hosts soon after their timeout, instead of at the next RunGC. It also tells a pause
//     of the scheduler from silence: no host is evicted for the time in which the scheduler itself
//     stood still. Without Run, such a pause counts as silence, as in Dragonfly.
//   - Evict and Leave let the peers of a host leave. Forget and ForgetFor do not, as Delete.
//   - Announce and Restore add no seed to LoadAllSeeds. Store does.
//
// An eviction always asks this manager whether UpdatedAt is newer. So in the log and in the metrics
// of the registry, each eviction was held for a moment by Confirm. That is no fault.
func (h *Hosts) Registry() *hostmgr.Registry[Stored] { return h.registry }

// State returns what the silence of a host means, and whether the host is there. A filter of
// candidate parents drops hosts that are hostmgr.StateSuspect or hostmgr.StateOffline. It is right
// only if Heard is called wherever a host is heard.
func (h *Hosts) State(id string) (hostmgr.State, bool) {
	host, ok := h.registry.Get(key(id))
	return host.State, ok
}

// RunGC evicts each host that is due, and lets its peers leave. Calls on several goroutines take
// turns. It returns an error only if ctx ended before all was done; the next call does the rest.
func (h *Hosts) RunGC(ctx context.Context) error { return h.registry.RunGC(ctx) }
