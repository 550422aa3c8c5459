package announcer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func modelSeed() uint64 { return uint64(time.Now().UnixNano()) }

// With a loss of 30 % of the attempts, and pauses of the process of up to a quarter of the
// interval, no host is evicted. The package comment has the probability.
func TestModelNoHostIsEvictedAlthoughAThirdIsLost(t *testing.T) {
	seed := modelSeed()
	f := newFleet(t, seed, 1000, hostmgr.Config[string]{Policy: hostmgr.Fixed(2)})
	f.loss, f.loseAnswer, f.pauses, f.longPause = 0.3, 0.1, 0.005, f.interval/4
	f.run(time.Duration(times(1, 2000)) * 30 * time.Minute)
	f.report(seed)
	require.Zero(t, f.evicted)
	require.Equal(t, 1000, f.registry.Len())
	require.Less(t, f.most, 26-5)
}

// The same if all lost attempts fail at once, or all hang.
func TestModelOfEachKindOfLoss(t *testing.T) {
	for _, hang := range []bool{false, true} {
		seed := modelSeed()
		f := newFleet(t, seed, 300, hostmgr.Config[string]{Policy: hostmgr.Fixed(2)})
		f.loss, f.hangs = 0.3, func() bool { return hang }
		f.run(time.Duration(times(1, 300)) * time.Hour)
		f.report(seed)
		require.Zero(t, f.evicted)
		perContact := float64(f.attempts) / float64(f.contacts)
		require.InDelta(t, 1/0.7, perContact, 0.05)
	}
}

// The advice grows when hosts join, and shrinks when they leave, while a fifth is lost.
func TestModelOfAdviceThatChanges(t *testing.T) {
	seed := modelSeed()
	cfg := hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: 30 * time.Second, PerSecond: 5, Jitter: 0.2}}
	f := newFleet(t, seed, 1000, cfg)
	f.loss, f.loseAnswer = 0.2, 0.1
	for range times(1, 100) {
		f.run(time.Hour)
		require.Greater(t, f.hosts[0].interval, 100*time.Second)
		for _, h := range f.hosts[200:] {
			f.leave(h)
		}
		f.run(time.Hour)
		require.Less(t, f.hosts[0].interval, 60*time.Second)
		for _, h := range f.hosts[200:] {
			f.rejoin(h)
		}
	}
	f.report(seed)
	require.Zero(t, f.evicted)
}

func (f *fleet) leave(h *modelHost) {
	require.NoError(f.t, f.registry.Leave(context.Background(), h.id, h.incarnation))
	h.gone = true
}

// rejoin starts a host again, with a greater incarnation.
func (f *fleet) rejoin(h *modelHost) {
	h.core = newCore(h.rand, f.interval, h.incarnation+1, true, h.log)
	h.gone, h.wakeAt, h.heard, h.next = false, never, 0, f.at
	h.due = f.at
	f.plan(h)
}

// All hosts are back soon after the registry was down, was restarted, or after they were paused.
func TestModelOfOutages(t *testing.T) {
	for name, outage := range map[string]func(*fleet){
		"the network is down": func(f *fleet) {
			f.down = true
			f.run(10 * time.Minute)
			require.Zero(f.t, f.registry.Len())
			f.down = false
		},
		"the registry restarts": func(f *fleet) {
			f.down = true
			f.run(20 * time.Second)
			f.down = false
			f.start(hostmgr.Config[string]{})
		},
		"the hosts are paused": func(f *fleet) {
			for _, h := range f.hosts {
				h.pausedUntil = f.at + int64(10*time.Minute)
			}
			f.run(10*time.Minute - time.Second)
			require.Zero(f.t, f.registry.Len())
			f.run(3 * time.Second)
			require.Greater(f.t, f.registry.Len(), 290)
		},
	} {
		t.Run(name, func(t *testing.T) {
			seed := modelSeed()
			f := newFleet(t, seed, 300, hostmgr.Config[string]{})
			f.run(10 * time.Minute)
			for range 3 {
				outage(f)
				f.run(f.interval + time.Second)
				require.Equal(t, 300, f.registry.Len())
				for _, h := range f.hosts {
					require.Equal(t, h.known, h.registration != 0)
				}
			}
			evicted := f.evicted
			f.spreadEvenly()
			require.Equal(t, evicted, f.evicted)
			f.report(seed)
		})
	}
}

// spreadEvenly requires that the contacts of one interval are spread over it.
func (f *fleet) spreadEvenly() {
	for range 30 {
		before := f.contacts
		f.run(f.interval / 30)
		require.Less(f.t, f.contacts-before, uint64(len(f.hosts)/10))
	}
}

// A registry that uses half of its capacity recovers after an outage. A slow answer does not make
// hosts send so many attempts that the answers stay slow.
func TestModelOfASlowRegistry(t *testing.T) {
	seed := modelSeed()
	f := newFleet(t, seed, 1000, hostmgr.Config[string]{})
	f.service = 15 * time.Millisecond
	f.run(15 * time.Minute)
	for range times(1, 30) {
		f.down = true
		f.run(10 * time.Minute)
		f.down = false
		f.run(15 * time.Minute)
		attempts, evicted := f.attempts, f.evicted
		f.run(5 * time.Minute)
		require.InDelta(t, 10*1000, f.attempts-attempts, 500)
		require.Equal(t, evicted, f.evicted)
		require.Equal(t, 1000, f.registry.Len())
	}
	f.report(seed)
}
