package hostmgr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

func TestTheNextContactOfAnAwaitedHostIsReported(t *testing.T) {
	for name, contact := range map[string]func(s *sharedScript) error{
		"heartbeat": func(s *sharedScript) error { _, err := s.Heartbeat("a", 0); return err },
		"batch": func(s *sharedScript) error {
			errs := make([]error, 2)
			s.Heartbeats([]string{"b", "a"}, nil, errs)
			return errs[1]
		},
		"observation": func(s *sharedScript) error { return s.Observe("a", 0, 100*time.Millisecond) },
	} {
		for _, policy := range []hostmgr.Policy{hostmgr.Fixed(2), hostmgr.PhiAccrual{MinOverdue: second}} {
			s := newShared(t, hostmgr.Config[string]{Policy: policy})
			s.mirror("a")
			require.NoError(t, contact(s), name)
			require.Empty(t, s.changed(), name)
			s.Await("a", 70)
			s.after(second / 2)
			require.Equal(t, hostmgr.StateAlive, s.get("a").State)
			require.Empty(t, s.changed(), name)
			woken := s.woken
			require.NoError(t, contact(s), name)
			require.Greater(t, s.woken, woken, name)
			require.Equal(t, []string{"a"}, s.changed(), name)
			s.after(second / 2)
			require.NoError(t, contact(s), name)
			require.Empty(t, s.changed(), "%s: once", name)
			require.Zero(t, s.Stats().Suspected)
		}
	}
}

// The mark of a suspect must not stay in the word of a host that this registry keeps: it would be
// found suspect too late.
func TestAHostThatIsKeptHereIsNotAwaited(t *testing.T) {
	for name, taken := range map[string]func(s *sharedScript){
		"before": func(s *sharedScript) {
			require.True(s.t, s.Assign("a", 70, shared.Reflection{}))
			s.Await("a", 70)
		},
		"after": func(s *sharedScript) {
			s.Await("a", 70)
			require.True(s.t, s.Assign("a", 70, shared.Reflection{}))
		},
		"reflected": func(s *sharedScript) {
			s.Await("a", 70)
			s.reflect(hostOf("a", 7, 70), shared.Reflection{})
		},
	} {
		s := newShared(t, hostmgr.Config[string]{})
		s.mirror("a")
		_, err := s.Heartbeat("a", 0)
		require.NoError(t, err)
		taken(s)
		require.Zero(t, s.after(3*second/2).Suspected, name)
		require.Equal(t, 1, s.after(1).Suspected, name)
		require.Equal(t, []string{"a"}, s.changed(), name)
	}
}

func TestAnotherRegistrationIsNotAwaited(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	s.Await("a", 71)
	s.Await("b", 70)
	_, err := s.Heartbeat("a", 0)
	require.NoError(t, err)
	require.Empty(t, s.changed())
}

// A host that its keeper suspects is reported when it recovers, awaited or not.
func TestASuspectThatIsAwaitedIsReportedOnce(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	s.Await("a", 70)
	require.True(t, s.Assign("a", 70, shared.Reflection{Keeper: 1, Suspect: true}))
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	s.Await("a", 70)
	_, err := s.Heartbeat("a", 0)
	require.NoError(t, err)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.Equal(t, []string{"a"}, s.changed())
	s.after(second / 10)
	_, err = s.Heartbeat("a", 0)
	require.NoError(t, err)
	require.Empty(t, s.changed())
}
