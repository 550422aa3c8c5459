package hostmgr_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// speak announces host "a" as one machine does that has a cloned id.
func (s *script) speak(speaker string, incarnation uint64) error {
	_, err := s.Announce(hostmgr.Announcement[string]{
		ID: "a", Interval: second, Incarnation: incarnation, Speaker: speaker, Metadata: "address of " + speaker,
	})
	return err
}

// Two machines were made from one image, and announce one id alternately. The second one is
// refused, counted and logged (hashicorp/consul#13037).
func TestASecondSpeakerIsRefused(t *testing.T) {
	for _, incarnation := range []uint64{0, 7} {
		logger, said := logs()
		s := newScript(t, hostmgr.Config[string]{Logger: logger})
		require.NoError(t, s.speak("first", incarnation))
		registration := s.get("a").Registration
		for range 120 {
			s.after(second / 2)
			require.ErrorIs(t, s.speak("second", incarnation), hostmgr.ErrConflict)
			s.after(second / 2)
			require.NoError(t, s.speak("first", incarnation))
			require.Equal(t, "address of first", s.get("a").Metadata)
		}
		require.Equal(t, registration, s.get("a").Registration)
		require.EqualValues(t, 120, s.Stats().Conflicts)
		s.after(0)
		require.Contains(t, said.String(), `level=WARN msg="announces contradict each other: two machines may use one id" host=a`)
	}
}

// Two machines with one id choose their incarnations when they start. The one that started last has
// the id, and the announces of the other one are counted. Those of one speaker's former process are
// not.
func TestAnOlderIncarnationOfAnotherSpeakerIsCounted(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.speak("first", 7))
	require.NoError(t, s.speak("second", 8))
	for range 10 {
		s.after(second)
		require.ErrorIs(t, s.speak("first", 7), hostmgr.ErrStale)
		require.ErrorIs(t, s.speak("second", 5), hostmgr.ErrStale)
		require.NoError(t, s.speak("second", 8))
	}
	require.EqualValues(t, 10, s.Stats().Conflicts)
}

// A refused announce is no contact: the speaker that has the id is evicted if it is silent.
func TestAConflictIsNoContact(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.speak("first", 7))
	s.clock.Advance(second * 3 / 2)
	require.ErrorIs(t, s.speak("second", 7), hostmgr.ErrConflict, "late")
	require.Equal(t, second*3/2, s.clock.Now().Sub(s.get("a").LastContact))
	require.Equal(t, 1, s.after(second/2+1).Evicted)
	require.NoError(t, s.speak("second", 7))
	require.ErrorIs(t, s.speak("first", 7), hostmgr.ErrConflict)
}

// Another speaker takes over a host that is suspect, or due.
func TestAnotherSpeakerTakesOverASilentHost(t *testing.T) {
	for _, silence := range []time.Duration{31 * second, 400 * second} {
		var d cleanupLog
		s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}, Confirm: refuseAll, Cleanup: d.cleanup})
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 7, Speaker: "first", Revision: 9, Zone: "z"})
		was := s.get("a")
		s.after(silence + second)
		require.NoError(t, s.speak("second", 7))
		is := s.get("a")
		require.Greater(t, is.Registration, was.Registration)
		require.Equal(t, was.Incarnation, is.Incarnation)
		require.Equal(t, "z", is.Zone, "as before")
		require.Equal(t, hostmgr.StateAlive, is.State)
		st := s.Stats()
		require.EqualValues(t, 1, st.Departures.Replaced)
		require.Zero(t, st.Conflicts)
		require.Zero(t, st.Suspects+st.Held)
		s.after(0)
		require.Len(t, d.departures, 1)
		require.Equal(t, was.Registration, d.departures[0].Host.Registration)

		require.ErrorIs(t, s.speak("first", 7), hostmgr.ErrConflict)
		_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Speaker: "second", Revision: 1})
		require.NoError(t, err, "revisions begin again")
		require.Zero(t, s.Stats().Overtaken)
		s.after(400 * second)
		require.NoError(t, s.Forget("a", 7))
		require.NoError(t, s.speak("first", 7), "the incarnation has not ended")
	}
}

func TestWhoseRegistrationItIs(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	require.NoError(t, s.speak("first", 0), "it says so first")
	require.ErrorIs(t, s.speak("second", 0), hostmgr.ErrConflict)
	s.join("a") // says nothing, and takes nothing away
	require.ErrorIs(t, s.speak("second", 0), hostmgr.ErrConflict)
	newer := s.get("a").Incarnation + 1
	require.NoError(t, s.speak("second", newer), "a newer incarnation decides")
	require.ErrorIs(t, s.speak("first", newer), hostmgr.ErrConflict)
	require.ErrorIs(t, s.speak("first", newer-1), hostmgr.ErrStale)
	require.NoError(t, s.Leave(context.Background(), "a", newer))
	require.NoError(t, s.speak("first", newer+1))

	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Speaker: strings.Repeat("x", 1025)})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	_, err = s.Announce(hostmgr.Announcement[string]{ID: "b", Speaker: strings.Repeat("x", 1024)})
	require.NoError(t, err)
}

// A heartbeat at the moment of a takeover either saves the registration, or is told that it has
// ended, or counts for the new one.
func TestAHeartbeatSavesAHostFromAnotherSpeaker(t *testing.T) {
	saved, ended := 0, 0
	for range times(1000, 50_000) {
		s := newScript(t, hostmgr.Config[string]{})
		require.NoError(t, s.speak("first", 7))
		first := s.get("a").Registration
		s.clock.Advance(2*second + 1)
		var ack hostmgr.Ack
		var heartbeat, announce error
		var wg sync.WaitGroup
		wg.Go(func() { ack, heartbeat = s.Heartbeat("a", 7) })
		wg.Go(func() { announce = s.speak("second", 7) })
		wg.Wait()
		switch h := s.get("a"); {
		case errors.Is(announce, hostmgr.ErrConflict) && heartbeat == nil && h.Registration == first:
			saved++
		case announce == nil && (errors.Is(heartbeat, hostmgr.ErrUnknownHost) || ack.Registration == h.Registration) && h.Registration > first:
			ended++
		default:
			require.Fail(t, "neither", "%v, %v, %+v", heartbeat, announce, h)
		}
	}
	t.Log(saved, "saved,", ended, "ended")
}

// Many speakers announce one id at the same time. One of them has it.
func TestOfManySpeakersOneHasTheID(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	refused := make([]int, 4)
	var wg sync.WaitGroup
	for i := range refused {
		wg.Go(func() {
			for range 1000 {
				if errors.Is(s.speak(string(rune('a'+i)), 7), hostmgr.ErrConflict) {
					refused[i]++
				}
			}
		})
	}
	wg.Wait()
	none, all := 0, 0
	for _, n := range refused {
		switch n {
		case 0:
			none++
		case 1000:
			all++
		}
	}
	require.Equal(t, [2]int{1, 3}, [2]int{none, all}, "%v", refused)
	require.EqualValues(t, 3000, s.Stats().Conflicts)
}

// What was said of a host is forgotten with it.
func TestClaimsAreForgotten(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("the first host, for which the distributions of Stats are allocated")
	s.after(time.Hour)
	before := heap()
	for i := range 10_000 {
		s.announce(hostmgr.Announcement[string]{ID: time.Duration(i).String(), Interval: second, Speaker: "s", Revision: 1})
	}
	s.after(time.Hour)
	s.after(time.Hour)
	require.Less(t, heap()-before, int64(200_000))
}
