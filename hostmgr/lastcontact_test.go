package hostmgr_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// ago announces host "a" with an interval of a second, and a LastContact that long ago.
func (s *script) ago(d time.Duration) (hostmgr.Ack, error) {
	return s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second, LastContact: s.clock.Now().Add(-d)})
}

// A gateway was in contact with a host, and announces it later, also to a registry that is younger
// than the contact.
func TestAHostJoinsAsOfItsLastContact(t *testing.T) {
	for what, row := range map[string]struct {
		ago   time.Duration
		state hostmgr.State
	}{
		"future":  {-time.Hour, hostmgr.StateAlive},
		"now":     {0, hostmgr.StateAlive},
		"alive":   {second, hostmgr.StateAlive},
		"late":    {second + 1, hostmgr.StateLate},
		"suspect": {1500*time.Millisecond + 1, hostmgr.StateSuspect},
		"offline": {2*second + 1, hostmgr.StateOffline},
		"a year":  {year, hostmgr.StateOffline},
	} {
		for _, age := range []time.Duration{0, 1, minute, year} {
			for _, cfg := range []hostmgr.Config[string]{{}, {Shadow: hostmgr.Fixed(3)}, {Policy: strictPolicy{t, true}}, {EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}}} {
				s := newScript(t, cfg)
				s.after(age)
				_, err := s.ago(row.ago)
				require.NoError(t, err)
				last := s.clock.Now().Add(-max(0, row.ago))
				h := s.get("a")
				require.Equal(t, row.state, h.State, what)
				require.True(t, last.Equal(h.LastContact), what)
				require.True(t, last.Equal(h.Joined), what)
				require.True(t, last.Add(2*second).Equal(h.EvictAt), what)
				r := s.Sweep(context.Background())
				require.Equal(t, row.state == hostmgr.StateOffline, r.Evicted == 1, what)
				require.True(t, row.state != hostmgr.StateSuspect || r.Suspected == 1, what)
				if row.state < hostmgr.StateOffline {
					require.Zero(t, s.after(h.EvictAt.Sub(s.clock.Now())).Evicted)
					require.Equal(t, 1, s.after(1).Evicted, what)
				}
			}
		}
	}
}

// A refresh with an old LastContact moves no contact back, and applies the rest.
func TestARefreshAsOfThePast(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	was := s.join("a")
	s.clock.Advance(1900 * time.Millisecond)
	s.Sweep(context.Background())
	require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	for _, row := range []struct{ ago, shown time.Duration }{
		{time.Hour, 1900 * time.Millisecond},
		{1800 * time.Millisecond, 1800 * time.Millisecond},
		{400 * time.Millisecond, 400 * time.Millisecond},
		{second, 400 * time.Millisecond},
		{0, 0},
		{second, 0},
	} {
		ack, err := s.Announce(hostmgr.Announcement[string]{
			ID: "a", Metadata: row.ago.String(), Zone: row.shown.String(), Interval: second, LastContact: s.clock.Now().Add(-row.ago),
		})
		require.NoError(t, err)
		require.Equal(t, was.Registration, ack.Registration)
		h := s.get("a")
		require.Equal(t, row.shown, s.clock.Now().Sub(h.LastContact))
		require.Equal(t, row.ago.String(), h.Metadata)
		require.Equal(t, row.shown.String(), h.Zone)
		require.Equal(t, row.shown > 1500*time.Millisecond, s.Stats().Suspects == 1, row)
	}
	require.EqualValues(t, 1, s.Stats().Recovered)
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second / 2, LastContact: s.clock.Now().Add(-time.Hour)})
	require.Zero(t, s.after(second).Evicted)
	require.Equal(t, 1, s.after(1).Evicted, "the shorter interval counts from the real contact")
}

// A shorter interval with an old LastContact may make a host due at once.
func TestAShorterIntervalAsOfThePastIsScheduledAtOnce(t *testing.T) {
	for _, policy := range []hostmgr.Policy{hostmgr.Fixed(2), strictPolicy{t, true}} {
		s := newScript(t, hostmgr.Config[string]{Policy: policy})
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
		s.after(minute)
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, LastContact: s.clock.Now().Add(-minute)})
		require.Equal(t, hostmgr.StateOffline, s.get("a").State)
		require.Equal(t, 1, s.after(1).Evicted)
	}
}

// An overtaken announcement, a newer incarnation and a new speaker count from LastContact too.
func TestOtherAnnouncementsAsOfThePast(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second, Incarnation: 5, Revision: 9, Speaker: "one"})
	s.clock.Advance(1700 * time.Millisecond)
	s.announce(hostmgr.Announcement[string]{ID: "a", Revision: 8, Speaker: "one", LastContact: s.clock.Now().Add(-1600 * time.Millisecond)})
	require.EqualValues(t, 1, s.Stats().Overtaken)
	require.Equal(t, 1600*time.Millisecond, s.clock.Now().Sub(s.get("a").LastContact))
	for i, a := range []hostmgr.Announcement[string]{{Speaker: "two"}, {Speaker: "two", Incarnation: 6}} {
		a.ID, a.Interval, a.LastContact = "a", second, s.clock.Now().Add(-1550*time.Millisecond)
		s.announce(a)
		require.Equal(t, 1550*time.Millisecond, s.clock.Now().Sub(s.get("a").LastContact))
		require.EqualValues(t, i+1, s.Stats().Departures.Replaced)
		require.Equal(t, hostmgr.StateSuspect, s.get("a").State)
	}
}

// A join with a LastContact before the eviction does not show that the host was alive.
func TestAJoinAsOfBeforeTheEvictionIsNoRejoin(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Shadow: hostmgr.Fixed(3)})
	s.join("a")
	require.Equal(t, 1, s.after(5*second).Evicted)
	s.clock.Advance(second)
	for range 3 {
		_, err := s.ago(1001 * time.Millisecond)
		require.NoError(t, err)
		require.Zero(t, s.Stats().RejoinedAfterEviction)
		require.Zero(t, s.get("a").Evictions)
		require.NoError(t, s.Forget("a", 0))
	}
	_, err := s.ago(second)
	require.NoError(t, err)
	require.EqualValues(t, 1, s.Stats().RejoinedAfterEviction)
}

// The log can be replayed if the last contact of a host was before the registry was made.
func TestTheRecordOfAContactFromBeforeTheStart(t *testing.T) {
	var log bytes.Buffer
	s := newScript(t, hostmgr.Config[string]{Recorder: &log, Shadow: hostmgr.Fixed(4)})
	_, err := s.ago(minute)
	require.NoError(t, err)
	s.after(second)
	_, err = s.ago(3 * second)
	require.NoError(t, err)
	_, err = s.ago(0)
	require.NoError(t, err)
	s.after(5 * second)
	require.EqualValues(t, 2, s.Stats().Departures.Evicted)
	n := 0
	for v, err := range flight.Replay(flight.Read(bytes.NewReader(log.Bytes())), hostmgr.Fixed(2)) {
		require.NoError(t, err)
		require.Empty(t, v.Change)
		n++
	}
	require.Equal(t, 3, n)
}

// Times of all kinds count as the contact that an Observe of the same age would be.
func TestALastContactIsAnObservation(t *testing.T) {
	for _, cfg := range []hostmgr.Config[string]{{StallThreshold: 3 * second}, {Policy: hostmgr.PhiAccrual{}}} {
		rnd := rand.New(rand.NewPCG(7, 7))
		announced := newScript(t, cfg)
		cfg.Clock = announced.clock
		observed := newScriptOn(t, announced.clock, cfg)
		both := []*script{announced, observed}
		for range times(3000, 100_000) {
			announced.clock.Advance(time.Duration(rnd.IntN(900)) * time.Millisecond)
			age := time.Duration(rnd.IntN(2000)) * time.Millisecond
			switch rnd.IntN(4) {
			case 0:
				if observed.gone("a") {
					for _, s := range both {
						s.join("a")
					}
				}
				require.NoError(t, observed.Observe("a", 0, age))
				announced.announce(hostmgr.Announcement[string]{ID: "a", LastContact: announced.clock.Now().Add(-age)})
			case 1:
				if rnd.IntN(30) == 0 {
					announced.clock.Advance(time.Duration(rnd.IntN(20)) * second)
				}
			default:
				o, a := observed.Sweep(context.Background()), announced.Sweep(context.Background())
				a.Scanned = o.Scanned
				require.Equal(t, o, a)
			}
			o, ok := observed.Get("a")
			a, there := announced.Get("a")
			require.Equal(t, ok, there)
			o.Metadata, o.Registration, o.Incarnation = a.Metadata, a.Registration, a.Incarnation
			require.Equal(t, o, a)
		}
		require.NotZero(t, observed.Stats().Departures.Evicted)
		require.NotZero(t, observed.Stats().Recovered)
	}
}

// A refresh with an old LastContact leaves a host suspect, or held. If it changes the zone, the
// figures of both zones follow.
func TestASuspectIsCountedInTheZoneThatItMovesTo(t *testing.T) {
	for what, silence := range map[string]time.Duration{"suspect": 1900 * time.Millisecond, "held": 3 * second} {
		s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{PerSecond: 0.001}})
		for id, zone := range map[string]string{"a": "x", "b": "x", "c": "y"} {
			s.announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: minute})
		}
		s.announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		s.after(silence)
		figures := func() []zoneFigures { return zonesOf(s.Stats()) }
		held := s.Stats().Held
		require.Equal(t, what == "held", held == 1)
		require.Equal(t, []zoneFigures{{Name: "x", Hosts: 2, Suspects: 1, Held: held}, {Name: "y", Hosts: 1}}, figures(), what)
		s.announce(hostmgr.Announcement[string]{ID: "a", Zone: "y", Interval: second, LastContact: s.clock.Now().Add(-time.Hour)})
		require.Equal(t, []zoneFigures{{Name: "x", Hosts: 1}, {Name: "y", Hosts: 2, Suspects: 1, Held: held}}, figures(), what)
		s.heartbeat("a")
		require.Equal(t, []zoneFigures{{Name: "x", Hosts: 1}, {Name: "y", Hosts: 2}}, figures(), what)
	}
}
