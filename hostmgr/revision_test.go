package hostmgr_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// revise announces host "a" with a revision, and metadata that says which.
func (s *script) revise(revision uint64, metadata string) hostmgr.Ack {
	s.t.Helper()
	return s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Zone: metadata, Metadata: metadata, Revision: revision})
}

// Two announces of one registration overtake each other. The older one is a contact, and does not
// bring its metadata back (Netflix/eureka#802).
func TestAnAnnounceThatWasOvertakenChangesNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.revise(1, "one")
	ack := s.revise(3, "three")
	updates := 0
	for e := range s.Watch(t.Context()) {
		if e.Kind == hostmgr.EventSynced {
			break
		}
		updates++
	}
	require.Equal(t, 1, updates)
	s.clock.Advance(second)
	overtaken, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 5 * second, Zone: "two", Metadata: "two", Revision: 2})
	require.NoError(t, err)
	require.Equal(t, ack, overtaken)
	h := s.get("a")
	require.Equal(t, [2]string{"three", "three"}, [2]string{h.Metadata, h.Zone})
	require.Equal(t, second, h.Interval)
	require.Equal(t, s.clock.Now(), h.LastContact, "it is a contact")
	require.EqualValues(t, 1, s.Stats().Overtaken)

	s.revise(3, "three, again")
	require.Equal(t, "three, again", s.get("a").Metadata, "a retry")
	s.revise(0, "no order")
	require.Equal(t, "no order", s.get("a").Metadata)
	s.revise(2, "two")
	require.Equal(t, "no order", s.get("a").Metadata, "0 does not reset it")
	require.EqualValues(t, 2, s.Stats().Overtaken)
	s.revise(4, "four")
	require.Equal(t, "four", s.get("a").Metadata)
}

// The first speaker that an announcement names has the registration. One that was overtaken does
// not count.
func TestAnOvertakenAnnounceNamesNoSpeaker(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	first := s.revise(2, "two")
	a := hostmgr.Announcement[string]{ID: "a", Interval: second, Speaker: "x", Revision: 1}
	require.Equal(t, first, s.announce(a))
	a.Speaker, a.Revision = "y", 3
	require.Equal(t, first, s.announce(a))
	a.Speaker, a.Revision = "x", 4
	_, err := s.Announce(a)
	require.ErrorIs(t, err, hostmgr.ErrConflict)
}

// An overtaken announce of a suspect ends the suspicion, as each contact does.
func TestAnOvertakenAnnounceSavesItsHost(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: refuseAll})
	s.revise(3, "three")
	s.after(3 * second)
	require.Equal(t, hostmgr.StateOffline, s.get("a").State)
	s.revise(2, "two")
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.EqualValues(t, 1, s.Stats().Recovered)
	require.Zero(t, s.Stats().Held)
}

func TestRevisionsBeginAgainWithARegistration(t *testing.T) {
	for name, end := range map[string]func(*script){
		"leaves":   func(s *script) { require.NoError(t, s.Leave(context.Background(), "a", 0)) },
		"evicted":  func(s *script) { s.after(3 * second) },
		"replaced": func(s *script) { require.NoError(t, s.as(1<<62)) },
	} {
		s := newScript(t, hostmgr.Config[string]{})
		s.revise(9, "nine")
		end(s)
		s.revise(1, "one")
		require.Equal(t, "one", s.get("a").Metadata, name)
		require.Zero(t, s.Stats().Overtaken)
	}
}

// With Pacing, an overtaken announce is not told a longer interval than its host's timeouts are
// for.
func TestAnOvertakenAnnounceIsToldAnIntervalThatIsSafe(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Pacing: hostmgr.Pacing{Min: second, Max: 100 * second, PerSecond: 10}})
	s.revise(2, "two")
	for i := range 500 {
		s.announce(hostmgr.Announcement[string]{ID: string(rune('b' + i))})
	}
	require.Greater(t, s.Stats().AdvisedInterval, 10*second)
	ack := s.revise(1, "one")
	require.LessOrEqual(t, ack.Interval, s.get("a").Interval)
}

// Announces of many goroutines arrive in any order. At the end the greatest revision has won.
func TestTheGreatestRevisionWins(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	const most = 4000
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < most; i += 4 {
				s.revise(uint64(1+i*7919%most), string(rune(1+i*7919%most)))
			}
		})
	}
	wg.Wait()
	require.Equal(t, string(rune(most)), s.get("a").Metadata)
	require.NotZero(t, s.Stats().Overtaken)
}
