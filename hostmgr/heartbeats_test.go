package hostmgr_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// twins are two registries with the same hosts. One gets single heartbeats, the other batches.
type twins struct {
	t               *testing.T
	rnd             *rand.Rand
	single, batched *twin
}

// A twin numbers its registrations from first on.
type twin struct {
	*script
	first uint64
}

func newTwins(t *testing.T, cfg hostmgr.Config[string]) *twins {
	x := &twins{t: t, rnd: rand.New(rand.NewPCG(1, 2))}
	for _, to := range []**twin{&x.single, &x.batched} {
		s := newScript(t, cfg)
		*to = &twin{s, s.join("first").Registration}
		for i := range twinHosts {
			(*to).announceAgain(i)
		}
	}
	return x
}

const twinHosts = 300

func (s *twin) announceAgain(i int) any {
	interval := []time.Duration{100 * time.Millisecond, second, 3 * second, time.Hour}[i%4]
	ack, err := s.Announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: interval, Zone: strconv.Itoa(i % 5)})
	return []any{s.normal(ack), err}
}

func (s *twin) normal(a hostmgr.Ack) hostmgr.Ack {
	if a.Registration > 0 {
		a.Registration -= s.first
	}
	return a
}

// heartbeats sends the same heartbeats to both. Some ids are unknown, some occur more than once.
func (x *twins) heartbeats(twice bool) {
	ids := make([]string, x.rnd.IntN(200))
	for i, n := range x.rnd.Perm(twinHosts + 30)[:len(ids)] {
		ids[i] = strconv.Itoa(n)
		if twice && i > 0 && x.rnd.IntN(10) == 0 {
			ids[i] = ids[x.rnd.IntN(i)]
		}
	}
	acks, errs := make([]hostmgr.Ack, len(ids)), make([]error, len(ids))
	x.batched.Heartbeats(ids, acks, errs)
	for i, id := range ids {
		ack, err := x.single.Heartbeat(id, 0)
		require.Equal(x.t, err, errs[i])
		require.Equal(x.t, x.single.normal(ack), x.batched.normal(acks[i]))
	}
}

// both does the same to both.
func (x *twins) both(do func(*twin) any) { require.Equal(x.t, do(x.single), do(x.batched)) }

// view is all that can be seen of a registry.
func (s *twin) view() any {
	hosts := map[string]hostmgr.Host[string]{}
	for h := range s.All() {
		h.Registration -= s.first
		hosts[h.ID] = h
	}
	st := s.Stats()
	return []any{hosts, st.Hosts, st.Suspects, st.Joins, st.Suspected, st.Recovered, st.Departures, st.Shadow}
}

// Batches do what the same single heartbeats do, whatever the registry is configured to do.
func TestABatchIsManyHeartbeats(t *testing.T) {
	for name, cfg := range map[string]hostmgr.Config[string]{
		"fixed":    {},
		"tiered":   {Policy: hostmgr.Tiered{Jitter: second, Offline: 10 * second}},
		"phi":      {Policy: hostmgr.PhiAccrual{}},
		"own":      {Policy: lenient{}},
		"shadow":   {Shadow: hostmgr.PhiAccrual{}},
		"recorder": {Recorder: io.Discard},
		"pacing":   {Pacing: hostmgr.Pacing{Min: second, Max: time.Minute, PerSecond: 40, Jitter: 0.2}},
		"limit":    {EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.2}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTwins(t, cfg)
			for range times(60, 1000) {
				// With Pacing, a second heartbeat of a batch may be answered as if it were the
				// first.
				x.heartbeats(name != "pacing")
				d := time.Duration(x.rnd.IntN(int(2 * second)))
				x.single.clock.Advance(d)
				x.batched.clock.Advance(d)
				i := x.rnd.IntN(twinHosts)
				switch x.rnd.IntN(5) {
				case 0:
					x.both(func(s *twin) any { return s.Forget(strconv.Itoa(i), 0) })
				case 1:
					x.both(func(s *twin) any { return s.Sweep(context.Background()) })
				case 2:
					x.both(func(s *twin) any { return s.Observe(strconv.Itoa(i), 0, second) })
				case 3:
					x.both(func(s *twin) any { return s.announceAgain(i) })
				}
				x.both((*twin).view)
			}
		})
	}
}

// Without a place for answers, Heartbeats only records the heartbeats.
func TestAnswersToABatchMayBeUnwanted(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 100 {
		s.join(strconv.Itoa(i))
	}
	ids := s.ids()
	s.clock.Advance(1500 * time.Millisecond)
	s.Heartbeats(append(ids, "unknown"), nil, nil)
	require.Zero(t, s.after(2*second).Evicted)

	acks, errs := make([]hostmgr.Ack, 3), []error{io.EOF, io.EOF, io.EOF}
	s.Heartbeats([]string{ids[0], "unknown"}, acks, nil)
	require.Equal(t, s.get(ids[0]).Registration, acks[0].Registration)
	require.Zero(t, acks[1])
	s.Heartbeats([]string{ids[0], "unknown"}, nil, errs)
	require.Equal(t, []error{nil, hostmgr.ErrUnknownHost, io.EOF}, errs, "what is beyond the ids stays")
	s.Heartbeats(nil, nil, errs)
	s.Heartbeats([]string{}, acks, nil)
	require.Equal(t, io.EOF, errs[2])
}

// With too little room for the answers, Heartbeats panics, and records no heartbeat.
func TestABatchWithoutRoomForItsAnswersChangesNothing(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.join("b")
	s.clock.Advance(second)
	ids, two := []string{"a", "b"}, make([]hostmgr.Ack, 2)
	require.PanicsWithValue(t, "hostmgr: Heartbeats: acks for 1 of 2 ids", func() { s.Heartbeats(ids, two[:1], nil) })
	require.PanicsWithValue(t, "hostmgr: Heartbeats: errs for 0 of 2 ids", func() { s.Heartbeats(ids, two, []error{}) })
	for h := range s.All() {
		require.Equal(t, s.clock.Now().Add(-second), h.LastContact)
	}
}

// A call takes longer than the timeout of its hosts, because there are so many. The last host of
// the call has its timeout in full, as the first one had.
func TestALongBatchReadsTheClockAgain(t *testing.T) {
	const hosts = 64 * 200
	clock := clockwork.NewFakeClock()
	s := newScriptOn(t, clock, hostmgr.Config[string]{Clock: tickingClock{clock}, StallThreshold: -1})
	ids := make([]string, hosts)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		s.announce(hostmgr.Announcement[string]{ID: ids[i], Interval: 50 * time.Millisecond})
	}
	began, errs := clock.Now(), make([]error, hosts)
	s.Heartbeats(ids, nil, errs)
	for i, err := range errs {
		require.NoError(t, err)
		least := time.Duration(i/64) * time.Millisecond
		require.GreaterOrEqual(t, s.get(ids[i]).LastContact.Sub(began), least)
	}
}

// A Restore comes between two heartbeats of a batch with the same clock reading. The contact of the
// host that it registers counts.
func TestABatchAtTheTimeOfARestoreIsHeard(t *testing.T) {
	s := restored(t, 5*minute, hostmgr.Config[string]{Policy: hostmgr.Tiered{}})
	require.Equal(t, hostmgr.StateLate, s.get("a").State)
	s.Heartbeats([]string{"a"}, nil, nil)
	require.Equal(t, hostmgr.StateAlive, s.get("a").State)
	require.True(t, s.clock.Now().Equal(s.get("a").LastContact))
}

// Hosts join and leave in masses, so that the memory of hosts moves all the time, and sweeps come.
// Hosts that send batches are never unknown, and each contact of a batch counts.
func TestBatchesWhileHostsComeAndGo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{StallThreshold: -1})
	ids := make([]string, 300)
	for i := range ids {
		ids[i] = fmt.Sprint("steady ", i)
		s.announce(hostmgr.Announcement[string]{ID: ids[i], Interval: time.Hour})
	}
	var done atomic.Bool
	var senders sync.WaitGroup
	for part := range slices.Chunk(ids, 150) {
		senders.Go(func() {
			acks, errs := make([]hostmgr.Ack, len(part)), make([]error, len(part))
			for !done.Load() {
				before := s.clock.Now()
				s.Heartbeats(part, acks, errs)
				for i, id := range part {
					h, there := s.Get(id)
					if errs[i] != nil || !there || h.LastContact.Before(before) || h.Registration != acks[i].Registration {
						t.Errorf("%s: %v, %v, %v", id, errs[i], there, before.Sub(h.LastContact))
						return
					}
				}
				s.clock.Advance(time.Millisecond)
			}
		})
	}
	for range 3 {
		for i := range 3000 {
			s.announce(hostmgr.Announcement[string]{ID: strconv.Itoa(i), Interval: time.Hour})
		}
		s.Sweep(context.Background())
		for i := range 3000 {
			require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
		}
	}
	done.Store(true)
	senders.Wait()
}
