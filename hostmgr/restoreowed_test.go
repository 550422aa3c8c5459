package hostmgr_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// owing returns a registry that owes the cleanups of "a", which left twice, and of "b", which was
// evicted.
func owing(t *testing.T) *script {
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error {
		return errors.New("database is down")
	}})
	s.announce(hostmgr.Announcement[string]{ID: "b", Interval: second, Incarnation: 3})
	s.after(3 * second)
	for incarnation := range uint64(2) {
		require.NoError(t, s.as(incarnation+1))
		require.ErrorIs(t, s.Leave(context.Background(), "a", 0), hostmgr.ErrCleanupPending)
	}
	require.NoError(t, s.as(9))
	return s
}

// The next process does what the former one owed, in its order, and before what comes later
// (longhorn/longhorn#4743, kestra-io/kestra#17129).
func TestTheNextProcessDoesTheCleanupsThatWereOwed(t *testing.T) {
	s := owing(t)
	text, err := json.Marshal(slices.Collect(s.Pending()))
	require.NoError(t, err)
	var owed []hostmgr.Departure[string]
	require.NoError(t, json.Unmarshal(text, &owed))
	require.Len(t, owed, 3)

	log := &cleanupLog{}
	next := s.next(hostmgr.Config[string]{Cleanup: log.cleanup}, owed...)
	require.Equal(t, 3, next.Stats().Cleanup.Pending)
	require.Zero(t, next.Stats().Departures, "the former process has counted them")
	require.Equal(t, 1, next.Len())
	n, err := next.Restore(nil, slices.Values(owed), nil)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 3, next.Stats().Cleanup.Pending, "they are pending already")
	_ = next.Leave(context.Background(), "a", 9)
	for range 4 {
		next.after(second)
	}
	require.Zero(t, next.Stats().Cleanup.Pending)
	var order []uint64
	for _, d := range log.departures {
		if d.Host.ID == "a" {
			order = append(order, d.Host.Incarnation)
		}
	}
	require.Equal(t, []uint64{1, 2, 9}, order)
	require.Len(t, log.departures, 4)
	require.Equal(t, uint64(1), next.Stats().Departures.Left)
	require.Zero(t, next.Stats().Departures.Evicted)
}

// All was read before its host departed, and Pending after that. The host does not come back.
func TestAHostWhoseCleanupIsOwedIsNotRestored(t *testing.T) {
	s := owing(t)
	hosts := slices.Collect(s.All())
	require.ErrorIs(t, s.Leave(context.Background(), "a", 9), hostmgr.ErrCleanupPending)
	next := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil }})
	n, err := next.Restore(slices.Values(hosts), s.Pending())
	require.NoError(t, err)
	require.Zero(t, n)
	require.True(t, next.gone("a"))
	require.NoError(t, next.as(10), "a new registration is fine")
	require.Equal(t, 4, next.Stats().Cleanup.Pending)
}

// left returns the departure of "a", which left as incarnation 5 at the present time of s less ago.
func left(s *script, ago time.Duration) hostmgr.Departure[string] {
	return hostmgr.Departure[string]{
		Kind: hostmgr.DepartureLeft, At: s.clock.Now().Add(-ago),
		Host: hostmgr.Host[string]{ID: "a", Incarnation: 5, Registration: 1},
	}
}

// An announce was on its way while its host left and the registry was restarted. It brings nothing
// back (Netflix/eureka#98).
func TestAnAnnounceAfterALeaveAndARestartBringsNothingBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Cleanup: func(context.Context, hostmgr.Departure[string]) error { return errNotNow }})
	require.NoError(t, s.as(5))
	require.ErrorIs(t, s.Leave(context.Background(), "a", 0), hostmgr.ErrCleanupPending)
	s.clock.Advance(minute)
	next := s.next(hostmgr.Config[string]{Cleanup: (&cleanupLog{}).cleanup}, slices.Collect(s.Pending())...)
	for range 5 {
		require.ErrorIs(t, next.as(5), hostmgr.ErrStale)
		require.ErrorIs(t, next.as(4), hostmgr.ErrStale)
		next.after(minute)
	}
	require.NoError(t, next.as(6), "a newer one is another process")
}

// What the fence must not refuse: a host that is alive.
func TestALeaveBeforeARestartRefusesNoOther(t *testing.T) {
	for what, row := range map[string]struct {
		owed   func(s *script) hostmgr.Departure[string]
		before uint64 // the incarnation that is registered before the Restore
		refuse bool   // its announces after its eviction
	}{
		"not registered":   {func(s *script) hostmgr.Departure[string] { return left(s, 5*minute) }, 0, true},
		"time unknown":     {func(s *script) hostmgr.Departure[string] { d := left(s, 0); d.At = time.Time{}; return d }, 0, true},
		"long ago":         {func(s *script) hostmgr.Departure[string] { return left(s, 5*minute+1) }, 0, false},
		"registered":       {func(s *script) hostmgr.Departure[string] { return left(s, 0) }, 5, false},
		"older registered": {func(s *script) hostmgr.Departure[string] { return left(s, 0) }, 4, false},
		"newer registered": {func(s *script) hostmgr.Departure[string] { return left(s, 0) }, 6, true},
		"evicted": {func(s *script) hostmgr.Departure[string] {
			d := left(s, 0)
			d.Kind = hostmgr.DepartureEvicted
			return d
		}, 0, false},
	} {
		s := newScript(t, hostmgr.Config[string]{Cleanup: (&cleanupLog{}).cleanup})
		s.clock.Advance(time.Hour)
		if row.before > 0 {
			require.NoError(t, s.as(row.before))
		}
		_, err := s.Restore(nil, slices.Values([]hostmgr.Departure[string]{row.owed(s)}))
		require.NoError(t, err)
		s.after(2*second + 1)
		require.True(t, s.gone("a"))
		if err = s.as(5); row.refuse {
			require.ErrorIs(t, err, hostmgr.ErrStale, what)
		} else {
			require.NoError(t, err, what)
		}
	}
}

// An invalid departure is an error, and nothing else is lost.
func TestInvalidDeparturesOfRestore(t *testing.T) {
	s := owing(t)
	bad := []hostmgr.Departure[string]{
		{Kind: hostmgr.DepartureLeft},
		{Host: hostmgr.Host[string]{ID: "x"}},
		{Kind: hostmgr.DepartureForgotten, Host: hostmgr.Host[string]{ID: "y"}},
		{Kind: 99, Host: hostmgr.Host[string]{ID: "z"}},
	}
	next := newScript(t, hostmgr.Config[string]{Cleanup: (&cleanupLog{}).cleanup})
	n, err := next.Restore(s.All(), slices.Values(bad), s.Pending())
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	require.ErrorContains(t, err, `departure of host "y"`)
	require.Equal(t, 1, n)
	require.Equal(t, 3, next.Stats().Cleanup.Pending)
}

// A registry without a Cleanup owes nothing.
func TestOwedCleanupsWithoutACleanup(t *testing.T) {
	s := owing(t)
	next := newScript(t, hostmgr.Config[string]{})
	n, err := next.Restore(s.All(), s.Pending())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Zero(t, next.Stats().Cleanup.Pending)
	require.Empty(t, slices.Collect(next.Pending()))
}

// A policy calls hook once when it is asked about an interval of 7 s.
type meanwhilePolicy struct {
	hostmgr.Fixed
	hook *func()
}

func (p meanwhilePolicy) Timeouts(h hostmgr.History) (suspect, evict time.Duration) {
	if f := *p.hook; f != nil && h.Interval == 7*second {
		*p.hook = nil
		f()
	}
	return p.Fixed.Timeouts(h)
}

// A host departs while Restore asks the policy about it. Its cleanup is owed then, so Restore must
// not register it again: the cleanup would free what belongs to a host that is there.
func TestADepartureDuringRestoreIsSeen(t *testing.T) {
	var hook func()
	s := newScript(t, hostmgr.Config[string]{
		Policy:  meanwhilePolicy{hostmgr.Fixed(2), &hook},
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
	})
	s.join("a")
	h := s.get("a")
	h.Interval = 7 * second
	hook = func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.ErrorIs(t, s.Leave(ctx, "a", 0), hostmgr.ErrCleanupPending)
	}
	joined, err := s.Restore(slices.Values([]hostmgr.Host[string]{h}))
	require.NoError(t, err)
	require.Zero(t, joined)
	require.Nil(t, hook)
	require.True(t, s.gone("a"))
}
