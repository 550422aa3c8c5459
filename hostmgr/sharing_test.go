package hostmgr_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/internal/shared"
)

// A sharedScript is a script with a shared registry.
type sharedScript struct {
	*script
	*hostmgr.Sharing[string]
	woken int
}

func newShared(t testing.TB, cfg hostmgr.Config[string]) *sharedScript {
	t.Helper()
	s := &sharedScript{script: newScript(t, cfg)}
	s.Sharing = s.Registry.Sharing()
	require.NoError(t, s.Begin(func() { s.woken++ }))
	return s
}

// hostOf is a host of the shared table, with an interval of a second.
func hostOf(id string, incarnation, registration uint64) hostmgr.Host[string] {
	return hostmgr.Host[string]{
		ID: id, Metadata: "data of " + id, Interval: second, Incarnation: incarnation, Registration: registration,
	}
}

// reflect reflects a host, and returns what became of it.
func (s *sharedScript) reflect(h hostmgr.Host[string], r shared.Reflection) shared.Outcome {
	s.t.Helper()
	out, err := s.Reflect(h, r)
	require.NoError(s.t, err)
	return out
}

// mirror reflects a host of keeper 1, which vouches for it for 5 s.
func (s *sharedScript) mirror(id string) {
	s.t.Helper()
	s.Vouch(1, 5*second)
	require.Equal(s.t, shared.Reflected, s.reflect(hostOf(id, 7, 70), shared.Reflection{Keeper: 1}))
}

func (s *sharedScript) look(id string) (hostmgr.Host[string], shared.Private) {
	s.t.Helper()
	h, p, ok := s.Look(id)
	require.True(s.t, ok)
	return h, p
}

// changed takes what has changed: an id with a plus if its content has.
func (s *sharedScript) changed() []string {
	changed, _ := s.Take(1<<20, 1<<20)
	return idsOf(changed)
}

func idsOf(changed []shared.Change) (ids []string) {
	for _, x := range changed {
		if x.Content {
			x.ID += "+"
		}
		ids = append(ids, x.ID)
	}
	return ids
}

func TestAMirroredHostIsAliveWhileItsKeeperVouches(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	for range 60 {
		s.after(second)
		s.Vouch(1, 5*second)
		require.Equal(t, hostmgr.StateAlive, s.get("a").State)
		require.Len(t, s.Sample(1, nil), 1)
	}
	require.Zero(t, s.Stats().Suspected)
	require.Equal(t, "data of a", s.get("a").Metadata)
	s.after(5*second + 1100*time.Millisecond)
	require.Equal(t, hostmgr.StateLate, s.get("a").State, "it has its timeout after that")
}

func TestAHostOfAKeeperThatIsGoneIsDueAfterItsTimeout(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	s.clock.Advance(3 * second)
	s.Vouch(1, -second) // its keeper was last seen 2 s after the host joined
	require.Zero(t, s.after(second).Held, "2 s after that, it is not due")
	require.Equal(t, 1, s.after(1).Held)
	require.Equal(t, "awaiting the other members", s.get("a").Hold.String())
	require.Empty(t, s.Sample(1, nil))
}

// The other members wait for the timeout of a host from the end of a member on. A stall of this
// registry does not make that longer.
func TestTheTimeoutOfASharedHostDoesNotIncludeStalls(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{StallThreshold: 100 * time.Millisecond})
	s.join("a")
	s.after(50 * time.Millisecond)
	s.after(time.Hour) // a stall
	h, p := s.look("a")
	require.Greater(t, h.EvictAt.Sub(h.LastContact), time.Hour)
	require.Equal(t, 2*second, p.Timeout)
}

// A registry by itself evicts a silent host. A shared one asks first.
func TestSilenceEvictsNoHostOfASharedRegistryButBySettle(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	registration := s.join("a").Registration
	s.after(time.Hour)
	require.Equal(t, hostmgr.StateOffline, s.get("a").State)
	_, p := s.look("a")
	require.True(t, p.Due)
	require.False(t, p.Heard)
	until := s.clock.Now().Add(second)
	require.Equal(t, shared.Unknown, s.Settle("a", registration+1, p.Word, p.Now, until))
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word+2, p.Now, until), "that was another silence")
	require.Equal(t, shared.TooLate, s.Settle("a", registration, p.Word, p.Now, s.clock.Now()))
	require.Equal(t, shared.Evicted, s.Settle("a", registration, p.Word, p.Now, until))
	require.Equal(t, shared.Unknown, s.Settle("a", registration, p.Word, p.Now, until))
	_, departed := s.Take(10, 10)
	require.Len(t, departed, 1)
	require.Equal(t, hostmgr.DepartureEvicted, departed[0].Kind)
	require.Equal(t, time.Hour, departed[0].Silence)
	require.Contains(t, departed[0].Reason(), "silent for 1h0m0s")
	require.EqualValues(t, 1, s.Stats().Departures.Evicted)
}

func TestAContactSavesAHostAboutWhichTheMembersAgree(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	registration := s.join("a").Registration
	s.after(3 * second)
	_, p := s.look("a")
	s.heartbeat("a")
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, p.Now, s.clock.Now().Add(second)))
	s.after(3 * second)
	_, due := s.look("a")
	require.Equal(t, shared.Saved, s.Settle("a", registration, p.Word, due.Now, s.clock.Now().Add(second)), "that was the former silence")
	require.False(t, s.gone("a"))
}

func TestTakeReturnsEachChangeOnce(t *testing.T) {
	s := &sharedScript{script: newScript(t, hostmgr.Config[string]{})}
	s.Sharing = s.Registry.Sharing()
	for _, id := range []string{"a", "b", "c"} {
		s.join(id)
	}
	changed, departed := s.Take(10, 10)
	require.Empty(t, changed)
	require.Empty(t, departed)
	require.NoError(t, s.Begin(func() { s.woken++ }))
	require.Positive(t, s.woken)
	require.ElementsMatch(t, []string{"a+", "b+", "c+"}, s.changed(), "registered before")
	require.ErrorIs(t, s.Begin(nil), hostmgr.ErrRunning, "it has a member")
	require.Empty(t, s.changed())
	s.End()
	require.NoError(t, s.Begin(func() { s.woken++ }))
	require.ElementsMatch(t, []string{"a", "b", "c"}, s.changed(), "their content is known")
	woken := s.woken
	s.heartbeat("a")
	s.mirror("d")
	require.Equal(t, woken, s.woken, "a heartbeat is no change, and what others know is none of this registry")
	require.Empty(t, s.changed())
	s.join("a")
	s.join("a")
	require.NoError(t, s.Update("b", 0, func(string) string { return "new" }))
	require.NoError(t, s.Leave(context.Background(), "c", 0))
	require.Greater(t, s.woken, woken)
	changed, departed = s.Take(1, 1)
	require.Len(t, changed, 1)
	require.Len(t, departed, 1)
	require.Equal(t, "c", departed[0].Host.ID)
	more, departed := s.Take(10, 10)
	require.ElementsMatch(t, []string{"a+", "b+"}, idsOf(append(changed, more...)))
	require.Empty(t, departed)
	s.after(3 * second) // suspect, and due at once
	require.ElementsMatch(t, []string{"a", "b"}, s.changed())
	s.after(second)
	require.ElementsMatch(t, []string{"a", "b"}, s.changed(), "still due")
	s.heartbeat("a")
	require.Equal(t, []string{"a"}, s.changed(), "recovered")
}

func TestADepartureThatAnotherMemberDecided(t *testing.T) {
	var log cleanupLog
	s := newShared(t, hostmgr.Config[string]{Cleanup: log.cleanup})
	for _, kind := range []hostmgr.DepartureKind{hostmgr.DepartureLeft, hostmgr.DepartureEvicted, hostmgr.DepartureReplaced, hostmgr.DepartureForgotten} {
		id := kind.String()
		s.mirror(id)
		d := &hostmgr.Departure[string]{Kind: kind, Host: hostOf(id, 7, 71)}
		require.False(t, s.Depart(d), "another registration")
		d.Host.Registration = 70
		d.Silence, d.Timeout, d.Interval = 9*second, 2*second, second
		require.True(t, s.Depart(d))
		require.False(t, s.Depart(d), "once")
		require.True(t, s.gone(id))
	}
	s.after(0)
	require.Len(t, log.departures, 3, "a forgotten host is not cleaned up")
	require.Equal(t, "silent for 9s, timeout 2s at an interval of 1s", log.departures[1].Reason())
	require.Equal(t, "data of evicted", log.departures[1].Host.Metadata)
	counted := s.Stats().Departures
	require.Equal(t, [4]uint64{1, 1, 1, 1}, [4]uint64{counted.Left, counted.Evicted, counted.Replaced, counted.Forgotten})
	changed, departed := s.Take(10, 10)
	require.Empty(t, changed)
	require.Empty(t, departed)
	for id, want := range map[string]error{"left": hostmgr.ErrStale, "replaced": hostmgr.ErrStale, "evicted": nil} {
		_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Incarnation: 7})
		require.ErrorIs(t, err, want, id)
	}
}

// Another member ends a registration, and the same process goes on under another one. Its contact
// here still protects it.
func TestAContactCountsForTheNextRegistrationOfTheProcess(t *testing.T) {
	for _, tc := range []struct {
		name                  string
		next                  hostmgr.Host[string]
		after                 time.Duration // between the departure and the next registration
		was, assigned, counts bool
	}{
		{name: "the same process", next: hostOf("a", 7, 71), counts: true},
		{name: "both incarnations are assigned", next: hostOf("a", 71, 71), was: true, assigned: true, counts: true},
		{name: "another process", next: hostOf("a", 8, 71)},
		{name: "one incarnation is assigned", next: hostOf("a", 71, 71), assigned: true},
		{name: "another host", next: hostOf("b", 7, 71)},
		{name: "a minute later", next: hostOf("a", 7, 71), after: time.Minute},
	} {
		s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.Fixed(100)})
		s.Vouch(1, time.Hour)
		for _, id := range []string{"a", "never heard"} {
			s.reflect(hostOf(id, 7, 70), shared.Reflection{Keeper: 1, Assigned: tc.was})
		}
		s.heartbeat("a")
		heard := s.clock.Now()
		s.clock.Advance(second)
		require.True(t, s.Depart(&hostmgr.Departure[string]{Kind: hostmgr.DepartureLeft, Host: hostOf("a", 7, 70)}))
		require.True(t, s.Depart(&hostmgr.Departure[string]{Kind: hostmgr.DepartureLeft, Host: hostOf("never heard", 7, 70)}))
		s.clock.Advance(tc.after)
		s.reflect(tc.next, shared.Reflection{Keeper: 1, Assigned: tc.assigned})
		h, p := s.look(tc.next.ID)
		require.Equal(t, tc.counts, p.Heard, tc.name)
		if tc.counts {
			s.Vouch(1, -time.Hour)
			h, _ = s.look(tc.next.ID)
			require.Equal(t, heard, h.LastContact, tc.name)
		}
		s.reflect(hostOf("never heard", 7, 71), shared.Reflection{Keeper: 1})
		_, p = s.look("never heard")
		require.False(t, p.Heard)
	}
}

// The keeper suspects the host. A contact here ends the suspicion here, and is to be told.
func TestAHostThatItsKeeperSuspects(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	s.mirror("a")
	require.True(t, s.Assign("a", 70, shared.Reflection{Keeper: 1, Suspect: true}))
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	require.Empty(t, s.Sample(1, nil))
	require.Equal(t, 1, s.Stats().Suspects)
	require.True(t, s.Assign("a", 70, shared.Reflection{Keeper: 1}))
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.True(t, s.Assign("a", 70, shared.Reflection{Keeper: 1, Suspect: true}))
	require.Empty(t, s.changed())
	s.heartbeat("a")
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.Equal(t, []string{"a"}, s.changed())
	_, p := s.look("a")
	require.True(t, p.Heard)
	require.True(t, s.Assign("a", 70, shared.Reflection{Keeper: 1, Suspect: true}))
	require.Equal(t, hostmgr.StateAlive, s.get("a").State, "it was heard here")
	require.False(t, s.Assign("a", 71, shared.Reflection{Keeper: 1, Suspect: true}))
	s.Vouch(1, time.Hour)
	s.after(10 * second)
	_, p = s.look("a")
	require.False(t, p.Heard)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
}

func TestScanAndBounds(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{MaxHosts: 2})
	s.join("own")
	s.mirror("a")
	s.mirror("b")
	require.Equal(t, 3, s.Len(), "MaxHosts does not apply to hosts of others")
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "c"})
	require.ErrorIs(t, err, hostmgr.ErrFull)
	keepers := map[string]uint8{}
	s.Scan(func(id string, _ uint64, p shared.Private) bool {
		keepers[id] = p.Keeper
		return true
	})
	require.Equal(t, map[string]uint8{"own": 0, "a": 1, "b": 1}, keepers)
	n := 0
	s.Scan(func(string, uint64, shared.Private) bool { n++; return false })
	require.Equal(t, 1, n)
	s.clock.Advance(second)
	require.Equal(t, second, s.SinceSweep())
	for _, h := range []hostmgr.Host[string]{{}, hostOf("x", 0, 1), hostOf("x", 1, 0), hostOf("x", 1, 1<<63), hostOf("", 1, 1)} {
		_, err := s.Reflect(h, shared.Reflection{})
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
	}
}

// A host that roams is heard by each member now and then. A mirror learns nothing from its gaps,
// and records none.
func TestTheGapsOfAMirroredHostAreNotLearned(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{Policy: hostmgr.PhiAccrual{}, Shadow: hostmgr.Fixed(1.5)})
	s.mirror("a")
	for range 50 {
		s.Vouch(1, time.Hour)
		s.after(20 * second)
		s.heartbeat("a")
	}
	require.Zero(t, s.Stats().Shadow.Evictions)
	require.True(t, s.Assign("a", 70, shared.Reflection{}))
	s.heartbeat("a")
	h := s.get("a")
	require.Less(t, h.EvictAt.Sub(h.LastContact), 10*second)
}
