package share_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestAJoinIsSeenByAllMembers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		ack := f.processes[0].announce(t, "h", peer{"10.0.0.1", 1})
		time.Sleep(200 * time.Millisecond)
		for _, p := range f.processes {
			h, ok := p.hosts.Get("h")
			require.True(t, ok, p.name)
			require.Equal(t, peer{"10.0.0.1", 1}, h.Metadata)
			require.Equal(t, ack.Registration, h.Registration)
			require.Equal(t, ack.Incarnation, h.Incarnation)
			require.Equal(t, interval, h.Interval)
		}
		require.Equal(t, 1, f.processes[0].member.Stats().Kept)
		require.Equal(t, 1, f.processes[1].member.Stats().Mirrored)
		require.Len(t, f.processes[2].member.Stats().Members, 3)
	})
}

func TestARoamingHostIsNeverEvicted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		f.processes[0].announce(t, "h", peer{})
		for i := range 200 {
			time.Sleep(interval - time.Second)
			_, err := f.processes[i*7%3].hosts.Heartbeat("h", 0)
			require.NoError(t, err, "contact %d", i)
		}
		for _, p := range f.processes {
			require.Zero(t, p.hosts.Stats().Departures.Evicted)
		}
	})
}

func TestADeadHostIsEvictedOnceAndSeenByAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		ack := f.processes[0].announce(t, "h", peer{"10.0.0.1", 1})
		time.Sleep(2*interval + 2*time.Second)
		var first hostmgr.Departure[peer]
		for i, p := range f.processes {
			_, ok := p.hosts.Get("h")
			require.False(t, ok, p.name)
			require.Len(t, p.departures(), 1, p.name)
			d := p.departures()[0]
			require.Equal(t, hostmgr.DepartureEvicted, d.Kind)
			require.Equal(t, ack.Registration, d.Host.Registration)
			if i == 0 {
				first = d
			}
			require.Equal(t, first.Evidence, d.Evidence, "each explains it alike")
		}
		require.Len(t, f.cleaned.all(), 1)
		require.Equal(t, peer{"10.0.0.1", 1}, f.cleaned.all()[0].Host.Metadata)
		require.Equal(t, first.Evidence, f.cleaned.all()[0].Evidence)
	})
}

func TestALeaveAtAnyMember(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		f.processes[0].announce(t, "h", peer{})
		time.Sleep(time.Second)
		require.NoError(t, f.processes[2].hosts.Leave(t.Context(), "h", 0))
		time.Sleep(time.Second)
		for _, p := range f.processes {
			require.Len(t, p.departures(), 1, p.name)
			require.Equal(t, hostmgr.DepartureLeft, p.departures()[0].Kind)
		}
		require.Len(t, f.cleaned.all(), 1)
	})
}

func TestAMemberEndsAndNoHostIsEvicted(t *testing.T) {
	for _, graceful := range []bool{true, false} {
		t.Run(fmt.Sprint("goodbye ", graceful), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := &cutStore{Store: share.Memory()}
				f := newFleet(t, store, 3)
				defer f.stop()
				dying := f.processes[0]
				if !graceful {
					dying = f.startCut(store)
				}
				for i := range 30 {
					dying.announce(t, fmt.Sprint("h", i), peer{})
				}
				time.Sleep(time.Second)
				require.Equal(t, 30, dying.member.Stats().Kept)
				f.remove(dying)
				if store.cut(); graceful {
					store.heal()
				}
				dying.end()
				for range 20 {
					time.Sleep(interval - time.Second)
					for i := range 30 {
						_, err := f.processes[i%2].hosts.Heartbeat(fmt.Sprint("h", i), 0)
						require.NoError(t, err)
					}
				}
				for _, p := range f.processes {
					require.Zero(t, p.hosts.Stats().Departures.Evicted)
					require.Equal(t, 30, p.member.Stats().Kept+p.member.Stats().Mirrored)
					require.Zero(t, p.member.Stats().Orphaned)
				}
				for range 2 {
					<-dying.ended
				}
			})
		})
	}
}

func TestChangedMetadataReachAllMembers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		f.processes[0].announce(t, "h", peer{"a", 1})
		time.Sleep(time.Second)
		f.processes[1].announce(t, "h", peer{"a", 2})
		time.Sleep(time.Second)
		for _, p := range f.processes {
			m, _ := p.hosts.Metadata("h")
			require.Equal(t, peer{"a", 2}, m, p.name)
		}
		writes := f.processes[2].member.Stats().Writes
		f.processes[2].announce(t, "h", peer{"a", 2})
		time.Sleep(time.Second)
		require.Equal(t, writes, f.processes[2].member.Stats().Writes)
	})
}

func TestFlushWaitsForTheTable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 2)
		defer f.stop()
		for i := range 1000 {
			f.processes[0].announce(t, fmt.Sprint("h", i), peer{})
		}
		require.NoError(t, f.processes[0].member.Flush(t.Context()))
		synctest.Wait()
		require.Equal(t, 1000, f.processes[0].member.Stats().Kept)
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, 1000, f.processes[1].hosts.Len())
	})
}

func TestOneProcessAnnouncesToAllMembers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		for _, p := range f.processes {
			p.announce(t, "h", peer{})
		}
		time.Sleep(time.Second)
		first, _ := f.processes[0].hosts.Get("h")
		for _, p := range f.processes {
			h, _ := p.hosts.Get("h")
			require.Equal(t, first.Registration, h.Registration)
			require.Equal(t, first.Incarnation, h.Incarnation)
			require.Empty(t, p.departures())
		}
		require.Empty(t, f.cleaned.all())
	})
}

func TestAForgottenHostIsForgottenByAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		f.processes[0].announce(t, "h", peer{})
		time.Sleep(time.Second)
		require.NoError(t, f.processes[1].hosts.Forget("h", 0))
		time.Sleep(3 * time.Second)
		for _, p := range f.processes {
			require.Zero(t, p.hosts.Len(), p.name)
			require.Empty(t, p.departures(), "no cleanup")
			require.EqualValues(t, 1, p.hosts.Stats().Departures.Forgotten)
			require.Zero(t, p.member.Stats().Cleanup.Owed)
		}
		require.Empty(t, f.cleaned.all())
	})
}

func TestAHostThatTheEmbedderEvicts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		f.processes[0].announce(t, "h", peer{})
		time.Sleep(time.Second)
		require.NoError(t, f.processes[1].hosts.Evict(t.Context(), "h", 0, "its disk is full"))
		time.Sleep(time.Second)
		for _, p := range f.processes {
			require.Len(t, p.departures(), 1, p.name)
			require.Equal(t, "its disk is full", p.departures()[0].Judgement)
		}
		require.Len(t, f.cleaned.all(), 1)
	})
}
