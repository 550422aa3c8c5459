package hostmgr_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// refused returns the incarnation that refuses an announce of host "a", and checks that the Ack has
// nothing else.
func (s *script) refused(incarnation uint64) uint64 {
	s.t.Helper()
	ack, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: incarnation})
	require.ErrorIs(s.t, err, hostmgr.ErrStale)
	require.Equal(s.t, hostmgr.Ack{Incarnation: ack.Incarnation}, ack)
	return ack.Incarnation
}

// A host whose clock went back learns which incarnation refuses it, and announces a greater one
// (scylladb/scylladb#5164).
func TestAStaleAnswerSaysWhichIncarnationRefused(t *testing.T) {
	for what, row := range map[string]struct {
		make func(*script) error
		by   uint64
	}{
		"the current one": {func(*script) error { return nil }, 7},
		"one that left":   {func(s *script) error { return s.Leave(context.Background(), "a", 7) }, 7},
		"one that was replaced, and its successor evicted": {func(s *script) error {
			err := s.as(9)
			s.after(3 * second)
			return err
		}, 7},
		"one that is kept out": {func(s *script) error { return s.ForgetFor("a", 7, time.Hour) }, 7},
		"a newer one than what is kept out": {func(s *script) error {
			_ = s.ForgetFor("a", 7, time.Hour)
			return s.as(8)
		}, 8},
		"one that ended, and not the older one that is kept out": {func(s *script) error {
			_ = s.ForgetFor("a", 7, time.Hour)
			_ = s.as(8)
			return s.Leave(context.Background(), "a", 8)
		}, 8},
	} {
		s := newScript(t, hostmgr.Config[string]{})
		require.NoError(t, s.as(7))
		require.NoError(t, row.make(s), what)
		by := s.refused(5)
		require.Equal(t, row.by, by, what)
		require.NoError(t, s.as(by+1), what)
		require.Equal(t, by+1, s.get("a").Incarnation, what)
	}
}

func TestAStaleHeartbeatSaysWhichIncarnationRefused(t *testing.T) {
	for _, cfg := range []hostmgr.Config[string]{{}, {Policy: hostmgr.PhiAccrual{}}, {Pacing: hostmgr.Pacing{PerSecond: 1}}} {
		s := newScript(t, cfg)
		require.NoError(t, s.as(7))
		ack, err := s.Heartbeat("a", 5)
		require.ErrorIs(t, err, hostmgr.ErrStale)
		require.Equal(t, hostmgr.Ack{Incarnation: 7}, ack)
		ack, err = s.Heartbeat("a", 8)
		require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
		require.Zero(t, ack)
		ack, err = s.Heartbeat("b", 5)
		require.ErrorIs(t, err, hostmgr.ErrUnknownHost)
		require.Zero(t, ack)
	}
}

// Any other error comes with the zero Ack, and so does the refusal of another speaker.
func TestOtherRefusalsSayNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{MaxHosts: 1})
	require.NoError(t, s.speak("one", 7))
	for what, a := range map[string]hostmgr.Announcement[string]{
		"conflict": {ID: "a", Incarnation: 7, Speaker: "two"},
		"full":     {ID: "b", Incarnation: 7},
		"invalid":  {ID: "a", Interval: 1},
	} {
		ack, err := s.Announce(a)
		require.Error(t, err, what)
		require.Zero(t, ack, what)
	}
	require.EqualValues(t, 7, func() uint64 {
		ack, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 6, Speaker: "two"})
		require.ErrorIs(t, err, hostmgr.ErrStale)
		return ack.Incarnation
	}())
}

// Whatever has happened to an id, an incarnation just above the one that refuses is not stale.
func TestOneMoreThanTheIncarnationThatRefusesIsNotStale(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 7))
	refused := 0
	for range times(300, 10_000) {
		s := newScript(t, hostmgr.Config[string]{})
		for range 20 {
			incarnation := rnd.Uint64N(12)
			switch rnd.IntN(8) {
			case 0:
				_ = s.Leave(context.Background(), "a", 0)
			case 1:
				_ = s.ForgetFor("a", 0, time.Duration(1+rnd.IntN(600))*second)
			case 2:
				s.after(time.Duration(rnd.IntN(400)) * second)
			default:
				ack, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: incarnation})
				if err == nil {
					require.GreaterOrEqual(t, ack.Incarnation, incarnation)
					continue
				}
				refused++
				require.ErrorIs(t, err, hostmgr.ErrStale)
				require.GreaterOrEqual(t, ack.Incarnation, incarnation)
				require.NoError(t, s.as(ack.Incarnation+1))
				require.Equal(t, ack.Incarnation+1, s.get("a").Incarnation)
			}
		}
	}
	require.Greater(t, refused, 100)
}
