package hostmgr_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// TestTwins: two ids with one hash, of which there will hardly ever be any, are told
// apart all the same, also after their page has been rebuilt, split and merged.
func TestTwins(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	require.NoError(t, s.JoinUnder("younger", hostmgr.Announcement[string]{ID: "elder", Interval: time.Hour}))
	s.clock.Advance(second)
	younger := s.announce(hostmgr.Announcement[string]{ID: "younger", Interval: time.Hour})
	seen := func(id string) (at time.Time) {
		for h := range s.All() {
			if h.ID == id {
				at = h.LastSeen
			}
		}
		require.NotZero(t, at, "%s is not there", id)
		return at
	}
	elder := seen("elder")
	beat := func() {
		t.Helper()
		s.clock.Advance(second)
		lease, err := s.Heartbeat("younger", younger.Incarnation)
		require.NoError(t, err)
		require.Equal(t, younger, lease)
		require.Equal(t, s.clock.Now(), seen("younger"))
		require.Equal(t, elder, seen("elder"), "nobody heard of it")
		_, err = s.Heartbeat("younger", younger.Incarnation-1)
		require.ErrorIs(t, err, hostmgr.ErrStale)
	}
	beat()
	for i := range 5000 {
		s.announce(hostmgr.Announcement[string]{ID: fmt.Sprint(i), Interval: time.Hour})
	}
	beat()
	for i := range 5000 {
		require.NoError(t, s.Forget(fmt.Sprint(i), 0))
	}
	beat()
	require.NoError(t, s.Forget("younger", 0))
	_, err := s.Heartbeat("younger", 0)
	require.ErrorIs(t, err, hostmgr.ErrUnknownHost, "the elder does not answer for it")
	require.Equal(t, elder, seen("elder"))
}

// TestReplacedIsNoTwin: two lives of one id have one hash, too, but are nobody's twins:
// their beats do without the lock.
func TestReplacedIsNoTwin(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range uint64(10) {
		s.announce(hostmgr.Announcement[string]{ID: "a", Incarnation: i + 1})
		require.False(t, s.IsTwin("a"))
	}
}
