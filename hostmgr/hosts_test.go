package hostmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A counter is a clock that moves by a nanosecond at each reading, so no two readings are the same.
type counter struct{ n atomic.Int64 }

func (c *counter) Now() time.Time                         { return time.Unix(0, c.n.Add(1)) }
func (c *counter) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Thousands of hosts join and leave, in waves of all sizes. The index grows and shrinks, and always
// has exactly the current hosts.
func TestTheIndexHasExactlyTheCurrentHosts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	there := map[string]uint64{}
	rnd := rand.New(rand.NewPCG(1, 2))
	for wave := range 30 {
		want := rnd.IntN(1 << (2 + rnd.IntN(13)))
		if wave%10 == 9 {
			want = 0
		}
		for id, registration := range there {
			if len(there) <= want {
				break
			}
			require.Equal(t, registration, s.get(id).Registration)
			require.NoError(t, s.Leave(context.Background(), id, 0))
			delete(there, id)
		}
		for i := 0; len(there) < want; i++ {
			id := fmt.Sprint(wave, "-", i)
			if i%7 == 0 {
				id += strings.Repeat("x", rnd.IntN(900)) // most of these ids do not fit into a record
			}
			there[id] = s.announce(hostmgr.Announcement[string]{ID: id, Metadata: id, Zone: id[:1]}).Registration
		}
		require.Equal(t, len(there), s.Len())
		shown := 0
		for h := range s.All() {
			shown++
			if there[h.ID] != h.Registration || h.Metadata != h.ID || h.Zone != h.ID[:1] {
				require.Fail(t, "shown as another", "%+v", h)
			}
		}
		require.Equal(t, len(there), shown)
	}
}

// Mass joins, leaves and evictions rebuild the index all the time, while a few hosts send
// heartbeats. Each heartbeat finds its host and counts.
func TestNoHeartbeatIsLostWhileTheIndexIsRebuilt(t *testing.T) {
	clock := &counter{}
	r, err := hostmgr.New(hostmgr.Config[int]{Clock: clock})
	require.NoError(t, err)
	announce := func(id string, interval time.Duration) {
		_, err := r.Announce(hostmgr.Announcement[int]{ID: id, Interval: interval})
		require.NoError(t, err)
	}
	for i := range 64 {
		announce(fmt.Sprint("steady ", i), time.Hour)
	}

	done := make(chan struct{})
	var heartbeats sync.WaitGroup
	for b := range 4 {
		heartbeats.Go(func() {
			for i := b; ; i += 4 {
				select {
				case <-done:
					return
				default:
				}
				id := fmt.Sprint("steady ", i%64)
				before := clock.Now()
				ack, err := r.Heartbeat(id, 0)
				h, ok := r.Get(id)
				if err != nil || !ok || ack.Registration != h.Registration || ack.Interval != time.Hour || h.LastContact.Before(before) {
					t.Errorf("heartbeat of %s at %v: %v, %+v, %v, %+v", id, before, err, ack, ok, h)
					return
				}
			}
		})
	}
	for wave := range 6 {
		for i := range 3000 {
			announce(fmt.Sprint("wave ", i), second)
		}
		for i := range 1500 {
			require.NoError(t, r.Leave(t.Context(), fmt.Sprint("wave ", i), 0), wave)
		}
		clock.n.Add(int64(3 * second))
		require.Equal(t, 1500, r.Sweep(t.Context()).Evicted)
	}
	close(done)
	heartbeats.Wait()
	require.Equal(t, 64, r.Len())
}

// Most hosts leave during a loop, so its bucket is merged with the next one. No host is shown
// twice.
func TestNoHostIsShownTwiceAlthoughBucketsMerge(t *testing.T) {
	for _, show := range []func(*script, func(hostmgr.Host[string]) bool){
		func(s *script, yield func(hostmgr.Host[string]) bool) { s.All()(yield) },
		func(s *script, yield func(hostmgr.Host[string]) bool) {
			for e := range s.Watch(context.Background()) {
				switch {
				case e.Kind == hostmgr.EventSynced:
					return
				case e.Kind == hostmgr.EventJoined && !yield(e.Host):
					return
				}
			}
		},
	} {
		s := newScript(t, hostmgr.Config[string]{})
		for i := range 5000 {
			s.join(fmt.Sprint(i))
		}
		shown := map[uint64]bool{}
		show(s, func(h hostmgr.Host[string]) bool {
			if len(shown) == 0 {
				for i := 50; i < 5000; i++ {
					require.NoError(t, s.Leave(context.Background(), fmt.Sprint(i), 0))
				}
			}
			require.False(t, shown[h.Registration], "shown twice")
			shown[h.Registration] = true
			return true
		})
		for h := range s.All() {
			require.True(t, shown[h.Registration], "not shown")
		}
	}
}

func TestFrequentCallsDoNotAllocate(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(t, err)
	for i := range 5000 {
		_, err := r.Announce(hostmgr.Announcement[int]{ID: fmt.Sprint("host ", i)})
		require.NoError(t, err)
	}
	const id = "host 77"
	ids, acks, errs := slices.Repeat([]string{id, "host 78"}, 100), make([]hostmgr.Ack, 200), make([]error, 200)
	for name, f := range map[string]func(){
		"Heartbeat":  func() { _, _ = r.Heartbeat(id, 0) },
		"Observe":    func() { _ = r.Observe(id, 0, second) },
		"Heartbeats": func() { r.Heartbeats(ids, acks, errs) },
		"Get":        func() { _, _ = r.Get(id) },
		"Metadata":   func() { _, _ = r.Metadata(id) },
		"idle Sweep": func() { r.Sweep(context.Background()) },
		"refresh":    func() { _, _ = r.Announce(hostmgr.Announcement[int]{ID: id, Metadata: 1}) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// The metadata of a host that left is released, although other hosts of its bucket stay.
func TestTheMetadataOfAHostThatLeftIsReleased(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[*[1 << 10]byte]{})
	require.NoError(t, err)
	var remains []weak.Pointer[[1 << 10]byte]
	for i := range 100 {
		data := new([1 << 10]byte)
		remains = append(remains, weak.Make(data))
		_, err := r.Announce(hostmgr.Announcement[*[1 << 10]byte]{ID: fmt.Sprint(i), Metadata: data})
		require.NoError(t, err)
	}
	for i := range 10 {
		require.NoError(t, r.Leave(t.Context(), fmt.Sprint(i), 0))
	}
	runtime.GC()
	for i, p := range remains {
		require.Equal(t, i < 10, p.Value() == nil, i)
	}
	runtime.KeepAlive(r)
}
