package share_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A member that cannot write does not say how far it has read. So it holds up a question until it
// is buried, and then the host has its timeout once more.
func TestStatsSayWhichMemberHoldsUpAQuestion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &cutStore{Store: share.Memory()}
		f := newFleet(t, store, 2)
		slow := f.startCut(store)
		keeper := f.processes[0]
		keeper.announce(t, "h", peer{})
		time.Sleep(2*interval - time.Second)
		s := keeper.member.Stats()
		require.Zero(t, s.Questions)
		require.Empty(t, s.Slowest)
		require.Zero(t, s.Quiet)
		require.Zero(t, s.SinceEnd)
		store.cut()
		time.Sleep(3 * time.Second)
		s = keeper.member.Stats()
		require.Equal(t, 1, s.Questions)
		require.Equal(t, "cut", s.Slowest)

		time.Sleep(5 * time.Second)
		s = keeper.member.Stats()
		require.Len(t, s.Members, 2)
		require.Empty(t, s.Slowest)
		require.InDelta(t, 3*time.Second, s.SinceEnd, float64(2*time.Second))
		burials := s.Burials + f.processes[1].member.Stats().Burials
		require.True(t, burials == 1 || burials == 2, burials)
		require.Equal(t, 1, keeper.hosts.Len(), "the member may have heard it")
		time.Sleep(2 * interval)
		require.Zero(t, keeper.hosts.Len())

		f.remove(slow)
		store.heal()
		slow.stop(t)
		f.stop()
	})
}

func TestStatsSayHowLongAMemberIsQuiet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &line{Store: share.Memory()}
		f := newFleet(t, store, 1)
		m := f.processes[0].member
		require.Zero(t, m.Stats().Quiet)
		store.cut.Store(true)
		time.Sleep(4 * time.Second)
		require.Greater(t, m.Stats().Stale, 3*time.Second)
		store.cut.Store(false)
		time.Sleep(3 * time.Second)
		require.Less(t, m.Stats().Stale, 2*time.Second)
		require.Positive(t, m.Stats().Quiet)
		require.LessOrEqual(t, m.Stats().Quiet, 5*time.Second)
		time.Sleep(5 * time.Second)
		require.Zero(t, m.Stats().Quiet)
		f.stop()
	})
}

func TestStatsSayHowLongACleanupIsOwed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		var works atomic.Bool
		f.cleanup = func(_ context.Context, d hostmgr.Departure[peer]) error {
			if d.Host.ID == "stuck" && !works.Load() {
				return errors.New("not now")
			}
			return nil
		}
		f.start("one")
		f.start("two")
		time.Sleep(11 * time.Second)
		leave := func(id string) {
			f.processes[0].announce(t, id, peer{})
			time.Sleep(time.Second)
			require.NoError(t, f.processes[0].hosts.Leave(t.Context(), id, 0))
		}
		leave("before")
		leave("stuck")
		for range 99 {
			leave("after")
		}
		time.Sleep(time.Second)
		for _, p := range f.processes {
			s := p.member.Stats().Cleanup
			require.Equal(t, 100*time.Second, s.OldestOwed.Round(time.Second), p.name)
			require.GreaterOrEqual(t, s.Owed, 1)
		}
		works.Store(true)
		time.Sleep(40 * time.Second)
		for _, p := range f.processes {
			require.Zero(t, p.member.Stats().Cleanup.OldestOwed)
			require.Zero(t, p.member.Stats().Cleanup.Owed)
		}
		f.stop()
	})
}

// A member that comes back in time is the same one.
func TestAReturnIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log logged
		store := &line{Store: share.Memory()}
		f := &fleet{t: t, store: store, cleaned: &cleaned{of: map[string]int{}}, logger: log.logger()}
		p := f.start("alone")
		time.Sleep(11 * time.Second)
		id := p.member.Stats().ID
		store.cut.Store(true)
		time.Sleep(20 * time.Second) // no member is there to bury it
		require.False(t, p.member.Ready())
		store.cut.Store(false)
		time.Sleep(10 * time.Second)
		require.Equal(t, id, p.member.Stats().ID)
		require.Contains(t, log.String(), `msg="the registry is shared" name=alone member=`+id)
		require.Contains(t, log.String(), `msg="this member is out of touch with the table: its registry evicts no host" name=alone member=`+id)
		require.Contains(t, log.String(), `msg="the registry is shared again" name=alone member=`+id)
		f.stop()
	})
}
