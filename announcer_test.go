package hostlife_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// The acceptance test of both sides: hosts run an announcer, and a network that loses calls is
// between them and a registry.

var errLost = errors.New("lost")

// A network passes calls to a registry, which a test may replace.
type network struct {
	t *testing.T

	mu       sync.Mutex // guards all below
	registry *hostmgr.Registry[peers]
	stop     func() // ends the registry's Run
	rand     *rand.Rand
	loss     float64         // share of the calls that are lost
	cut      map[string]bool // hosts that are cut off
	gone     map[string]hostmgr.DepartureKind
	joined   map[string]uint64 // registrations for which the hosts registered their peers
}

func newNetwork(t *testing.T) *network {
	n := &network{t: t, rand: rand.New(rand.NewPCG(1, 2)), cut: map[string]bool{}}
	n.start()
	return n
}

// start starts a registry in place of the former one, which forgets all hosts.
func (n *network) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stop != nil {
		n.stop()
	}
	var err error
	n.registry, err = hostmgr.New(hostmgr.Config[peers]{Cleanup: n.clean})
	require.NoError(n.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	registry, done := n.registry, make(chan error, 1)
	go func() { done <- registry.Run(ctx) }()
	n.stop = func() {
		cancel()
		require.NoError(n.t, <-done)
	}
	n.gone, n.joined = map[string]hostmgr.DepartureKind{}, map[string]uint64{}
}

func (n *network) clean(_ context.Context, d hostmgr.Departure[peers]) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone[d.Host.ID] = d.Kind
	return nil
}

// pass passes a call of a host on. The request or the answer may be lost, with an error at once or
// without one.
func (n *network) pass(ctx context.Context, host string, call func(*hostmgr.Registry[peers]) error) error {
	n.mu.Lock()
	registry, lost, arrives, hangs := n.registry, n.rand.Float64() < n.loss, n.rand.IntN(2) == 0, n.rand.IntN(2) == 0
	if n.cut[host] {
		lost, arrives, hangs = true, false, true
	}
	n.mu.Unlock()
	var err error
	if !lost || arrives {
		err = call(registry)
	}
	switch {
	case !lost:
		return err
	case hangs:
		<-ctx.Done()
	}
	return errLost
}

func (n *network) cutOff(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[host] = true
}

func (n *network) loses(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = share
}

// be runs a host. stop ends its process, and returns the error of Run.
func (n *network) be(id string) (stop func() error) {
	host, err := announcer.New(announcer.Config[peers]{
		ID:       id,
		Metadata: func() peers { return peers{id + "/0", id + "/1"} },
		Announce: func(ctx context.Context, a hostmgr.Announcement[peers]) (ack hostmgr.Ack, err error) {
			err = n.pass(ctx, id, func(r *hostmgr.Registry[peers]) (err error) {
				ack, err = r.Announce(a)
				return err
			})
			return ack, err
		},
		Leave: func(ctx context.Context, id string, incarnation uint64) error {
			return n.pass(ctx, id, func(r *hostmgr.Registry[peers]) error { return r.Leave(ctx, id, incarnation) })
		},
		Joined: func(_ context.Context, ack hostmgr.Ack) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.joined[id] = ack.Registration
			return nil
		},
	})
	require.NoError(n.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// complete reports whether n hosts are registered, and have registered their peers.
func (n *network) complete(hosts int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	complete := n.registry.Len() == hosts
	for h := range n.registry.All() {
		complete = complete && n.joined[h.ID] == h.Registration
	}
	return complete
}

func TestHostsWithAnnouncers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts = 50
		n := newNetwork(t)
		defer func() { n.stop() }()
		n.loses(0.3)
		stops := map[string]func() error{}
		for i := range hosts {
			id := fmt.Sprint("host-", i)
			stops[id] = n.be(id)
		}
		after := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		after(hostmgr.DefaultInterval)
		require.True(t, n.complete(hosts))
		after(time.Hour)
		require.True(t, n.complete(hosts))
		require.Empty(t, n.gone, "a loss of 30 % evicts no host")

		n.loses(0)
		require.NoError(t, stops["host-0"]()) // a normal exit
		synctest.Wait()
		require.Equal(t, map[string]hostmgr.DepartureKind{"host-0": hostmgr.DepartureLeft}, n.gone, "at once")

		n.cutOff("host-1") // an abnormal exit
		require.ErrorIs(t, stops["host-1"](), announcer.ErrNotLeft)
		after(hostmgr.DefaultInterval - 10*time.Second)
		require.Equal(t, hosts-1, n.registry.Len(), "it may still be there")
		after(hostmgr.DefaultInterval + 11*time.Second)
		require.Equal(t, hostmgr.DepartureEvicted, n.gone["host-1"])
		require.Len(t, n.gone, 2)

		n.start() // the registry restarts
		after(2 * hostmgr.DefaultInterval)
		require.True(t, n.complete(hosts-2), "all are there, with their peers")
		for id, stop := range stops {
			if id != "host-0" && id != "host-1" {
				require.NoError(t, stop())
			}
		}
		synctest.Wait()
		require.Zero(t, n.registry.Len())
	})
}
