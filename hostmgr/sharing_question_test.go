package hostmgr_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// A member takes over the hosts of another one that is gone. Their silence counts from the moment
// until which that one vouched for them, or from a later contact here.
func TestTheSilenceOfAHostThatWasTakenOver(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("never heard here")
	s.mirror("heard")
	s.clock.Advance(10 * second)
	s.heartbeat("heard")
	s.Vouch(1, -second)
	for _, id := range []string{"never heard here", "heard"} {
		require.True(t, s.Assign(id, 70, shared.Reflection{}))
	}
	require.Zero(t, s.after(second).Held)
	require.Equal(t, 1, s.after(1).Held)
	h, p := s.look("never heard here")
	require.Equal(t, hostmgr.StateOffline, h.State)
	require.True(t, p.Due)
	require.Zero(t, p.Keeper)
	require.Equal(t, shared.Evicted, s.Settle(h.ID, 70, p.Word, p.Now, s.clock.Now().Add(second)))
	_, departed := s.Take(1, 1)
	require.Equal(t, 2*second+1, departed[0].Silence)
	require.Equal(t, 1, s.after(second).Held, "the other one")
}

func TestConfirmIsAskedOnceBeforeTheMembers(t *testing.T) {
	asked := 0
	allow := false
	s := newShared(t, hostmgr.Config[string]{Confirm: func(_ context.Context, due hosts) (hosts, error) {
		if asked++; allow {
			return due, nil
		}
		return nil, nil
	}})
	registration := s.join("a").Registration
	s.after(3 * second)
	h, p := s.look("a")
	require.Equal(t, "refused by Confirm", h.Hold.String())
	require.False(t, p.Due)
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, p.Now, s.clock.Now().Add(second)))
	allow = true
	s.changed()
	s.after(second)
	h, p = s.look("a")
	require.Equal(t, "awaiting the other members", h.Hold.String())
	require.True(t, p.Due)
	require.Equal(t, []string{"a"}, s.changed())
	s.after(second)
	s.after(second)
	require.Equal(t, 2, asked)
	require.Equal(t, []string{"a"}, s.changed())
	require.Equal(t, shared.Evicted, s.Settle("a", registration, p.Word, p.Now, s.clock.Now().Add(second)))
}

func TestTheEvictionLimitAppliesBeforeTheMembersAreAsked(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5, PerSecond: 1, MaxHold: time.Minute}})
	for i := range 10 {
		s.join(strconv.Itoa(i))
	}
	s.after(3 * second)
	s.after(1)
	due := 0
	for i := range 10 {
		if _, p := s.look(strconv.Itoa(i)); p.Due {
			due++
		}
	}
	require.Equal(t, 1, due)
	for range 9 {
		s.after(second)
	}
	for i := range 10 {
		h, p := s.look(strconv.Itoa(i))
		require.True(t, p.Due)
		require.Equal(t, shared.Evicted, s.Settle(h.ID, h.Registration, p.Word, p.Now, s.clock.Now().Add(second)))
	}
	require.Zero(t, s.Stats().Held)
}

// newStalled returns a registry with a host that was due, and about which the members were asked
// then. A stall has come since.
func newStalled(t *testing.T) (s *sharedScript, registration uint64, asked shared.Private) {
	s = newShared(t, hostmgr.Config[string]{StallThreshold: second})
	registration = s.join("a").Registration
	for range 4 {
		s.after(second * 6 / 10)
	}
	_, asked = s.look("a")
	require.True(t, asked.Due)
	s.after(10 * second)
	return s, registration, asked
}

func TestAStallSavesAHostAboutWhichTheMembersAgree(t *testing.T) {
	s, registration, p := newStalled(t)
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, p.Now, s.clock.Now().Add(second)))
	require.False(t, s.gone("a"))
}

// The host is due by the deadline that a stall has moved, too. But it was not yet when the members
// were asked: another one may have heard it between the question and that deadline.
func TestTheMembersAgreeAboutADeadlineThatWasOver(t *testing.T) {
	s, registration, asked := newStalled(t)
	s.after(second * 9 / 10)
	s.after(second * 9 / 10)
	h, p := s.look("a")
	require.True(t, p.Due)
	require.Equal(t, asked.Word, p.Word)
	until := s.clock.Now().Add(second)
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, asked.Now, until), "due only at %v", h.EvictAt)
	require.Equal(t, shared.Evicted, s.Settle("a", registration, p.Word, p.Now, until))
}
