package hostmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func add(s string) func(string) string { return func(old string) string { return old + s } }

// A note in the metadata of a dead host does not keep it alive.
func TestAnUpdateIsNoContact(t *testing.T) {
	log := &cleanupLog{}
	s := newScript(t, hostmgr.Config[string]{Policy: hostmgr.Tiered{}, Cleanup: log.cleanup})
	ack := s.join("a")
	for i, state := range []hostmgr.State{hostmgr.StateAlive, hostmgr.StateLate, hostmgr.StateSuspect, hostmgr.StateOffline} {
		s.after([]time.Duration{0, 2 * second, minute, 5 * minute}[i])
		if state == hostmgr.StateOffline {
			break // the sweep has evicted it
		}
		before := s.get("a")
		require.Equal(t, state, before.State)
		require.NoError(t, s.Update("a", ack.Incarnation*uint64(i%2), add("+")))
		after := s.get("a")
		require.Equal(t, before.Metadata+"+", after.Metadata)
		after.Metadata = before.Metadata
		require.Equal(t, before, after)
	}
	require.True(t, s.gone("a"))
	require.Equal(t, "data of a+++", log.departures[0].Host.Metadata)
	require.Equal(t, uint64(1), s.Stats().Suspected)
	require.Zero(t, s.Stats().Recovered)
}

// What holds a host that is due does not change either.
func TestAnUpdateLeavesAHostHeld(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{Confirm: func(context.Context, []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
		return nil, nil
	}})
	s.join("a")
	s.after(3 * second)
	before := s.get("a")
	require.Equal(t, "refused by Confirm", before.Hold.String())
	require.NoError(t, s.Update("a", 0, add("+")))
	after := s.get("a")
	require.Equal(t, before.Hold, after.Hold)
	require.Equal(t, 1, s.Stats().Held)
	require.Equal(t, before.LastContact, after.LastContact)
}

func TestWatchersGetUpdates(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.clock.Advance(second + 1)
	for e := range s.Watch(t.Context()) {
		switch e.Kind {
		case hostmgr.EventSynced:
			require.NoError(t, s.Update("a", 0, add("+")))
		case hostmgr.EventUpdated:
			require.Equal(t, s.get("a"), e.Host)
			require.Equal(t, "data of a+", e.Host.Metadata)
			require.Equal(t, hostmgr.StateLate, e.Host.State)
			return
		}
	}
}

func TestErrorsOfUpdate(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Metadata: "m", Incarnation: 7})
	never := func(string) string { t.Error("called"); return "" }
	require.ErrorIs(t, s.Update("a", 7, nil), hostmgr.ErrInvalid)
	require.ErrorIs(t, s.Update("b", 0, never), hostmgr.ErrUnknownHost)
	require.ErrorIs(t, s.Update("", 0, never), hostmgr.ErrUnknownHost)
	require.ErrorIs(t, s.Update("a", 8, never), hostmgr.ErrUnknownHost)
	require.ErrorIs(t, s.Update("a", 6, never), hostmgr.ErrStale)
	require.Equal(t, "m", s.get("a").Metadata)
}

// The host is changed while change runs.
func TestAnUpdateLosesNoOtherChange(t *testing.T) {
	for what, row := range map[string]struct {
		between func(*script) error
		want    string // without it the host is gone
		err     error
	}{
		"nothing":  {func(s *script) error { return nil }, "m+", nil},
		"contact":  {func(s *script) error { _, err := s.Heartbeat("a", 0); return err }, "m+", nil},
		"announce": {func(s *script) error { return announceAs(s, "n", 0) }, "n+", nil},
		"update":   {func(s *script) error { return s.Update("a", 0, add("/")) }, "m/+", nil},
		"replaced": {func(s *script) error { return announceAs(s, "n", 8) }, "n", hostmgr.ErrStale},
		"left":     {func(s *script) error { return s.Leave(context.Background(), "a", 0) }, "", hostmgr.ErrUnknownHost},
		"rejoined": {func(s *script) error { return errors.Join(s.Forget("a", 0), announceAs(s, "n", 7)) }, "n+", nil},
		"rejoined as a newer one": {func(s *script) error {
			return errors.Join(s.Forget("a", 0), announceAs(s, "n", 9))
		}, "n", hostmgr.ErrStale},
	} {
		for _, incarnation := range []uint64{0, 7} {
			s := newScript(t, hostmgr.Config[string]{})
			require.NoError(t, announceAs(s, "m", 7))
			calls := 0
			err := s.Update("a", incarnation, func(m string) string {
				if calls++; calls == 1 {
					require.NoError(t, row.between(s), what)
				}
				return m + "+"
			})
			require.ErrorIs(t, err, row.err, what)
			h, _ := s.Get("a")
			require.Equal(t, row.want, h.Metadata, what)
			require.LessOrEqual(t, calls, 2)
		}
	}
}

func announceAs(s *script, metadata string, incarnation uint64) error {
	_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Metadata: metadata, Incarnation: incarnation})
	return err
}

// A change that updates the same host itself would be called without end.
func TestAChangeThatChangesItsHostIsGivenUp(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	calls := 0
	err := s.Update("a", 0, func(m string) string {
		calls++
		require.NoError(t, s.Update("a", 0, add("-")))
		return m + "+"
	})
	require.ErrorContains(t, err, `host "a"`)
	require.Equal(t, 100, calls)
	require.NotContains(t, s.get("a").Metadata, "+")
	require.NoError(t, s.Update("a", 0, func(string) string { return "again" }))
	require.Equal(t, "again", s.get("a").Metadata)
}

// A change that panics, or ends its goroutine, changes nothing and leaves nothing behind.
func TestAChangeThatPanics(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	before := s.get("a")
	update := func(i int, end func()) {
		id := "x" + strconv.Itoa(i)
		s.join(id)
		_ = s.Update(id, 0, func(string) string {
			_ = s.Update("a", 0, func(string) string {
				require.NoError(t, s.Forget(id, 0))
				end()
				return ""
			})
			return ""
		})
	}
	fail := func(n int) int64 {
		for i := range n {
			require.PanicsWithValue(t, i, func() { update(i, func() { panic(i) }) })
			done := make(chan struct{})
			go func() {
				defer close(done)
				update(i, runtime.Goexit)
			}()
			<-done
		}
		return heap()
	}
	first := fail(1000)
	require.Less(t, fail(5000)-first, int64(100_000))
	require.Equal(t, before, s.get("a"))
	calls := 0
	require.NoError(t, s.Update("a", 0, func(m string) string { calls++; return m + "+" }))
	require.Equal(t, 1, calls)
	require.Equal(t, "data of a+", s.get("a").Metadata)
}

// Goroutines count in the metadata of a few hosts, while these hosts are replaced, leave and join
// again. Each Update that succeeded is counted, in the registration that it was for, and no other.
// Metadata begin with the incarnation of their host and the number of updates.
func TestUpdatesAgainstAllElse(t *testing.T) {
	var mu sync.Mutex
	ended := map[uint64]int{} // by incarnation
	r, err := hostmgr.New(hostmgr.Config[large]{Cleanup: func(_ context.Context, d hostmgr.Departure[large]) error {
		mu.Lock()
		defer mu.Unlock()
		ended[d.Host.Incarnation] = d.Host.Metadata[1]
		return nil
	}})
	require.NoError(t, err)
	const hosts = 3
	done := make(map[uint64]*atomic.Int64) // by incarnation
	incarnations := times(300, 20_000)
	for i := range uint64(hosts * (incarnations + 1)) {
		done[i] = &atomic.Int64{}
	}
	var working, others sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		others.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				id, last := strconv.Itoa(rnd.IntN(hosts)), uint64(0)
				err := r.Update(id, 0, func(m large) large {
					last = uint64(m[0])
					runtime.Gosched()
					return large{m[0], m[1] + 1}
				})
				switch {
				case err == nil:
					done[last].Add(1)
				case !errors.Is(err, hostmgr.ErrStale) && !errors.Is(err, hostmgr.ErrUnknownHost):
					t.Error(err)
				}
			}
		})
	}
	for h := range hosts {
		working.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(h), 2))
			id := strconv.Itoa(h)
			for i := 1; i <= incarnations; i++ {
				incarnation := uint64(h + hosts*i)
				_, err := r.Announce(hostmgr.Announcement[large]{ID: id, Incarnation: incarnation, Metadata: large{int(incarnation)}})
				if err != nil {
					t.Error(err)
				}
				for range rnd.IntN(20) {
					runtime.Gosched()
					_, _ = r.Heartbeat(id, 0)
				}
				if rnd.IntN(3) == 0 {
					_ = r.Leave(context.Background(), id, 0)
				}
				if i%4 == 0 {
					r.Sweep(context.Background()) // before so many cleanups are pending that one is given up
				}
			}
			_ = r.Leave(context.Background(), id, 0)
		})
	}
	working.Wait()
	close(stop)
	others.Wait()
	r.Sweep(context.Background())
	total := 0
	for incarnation, n := range ended {
		require.Equal(t, int(done[incarnation].Load()), n)
		total += n
	}
	require.Greater(t, len(ended), incarnations, "the cleanup of a host that is replaced again and again may be given up")
	require.Positive(t, total)
	t.Log(total, "updates")
}

// A hundred goroutines count in the metadata of one host. None of them is told to give up, although
// each is overtaken often.
func TestManyUpdatesOfOneHost(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[int]{})
	require.NoError(t, err)
	_, err = r.Announce(hostmgr.Announcement[int]{ID: "a"})
	require.NoError(t, err)
	const goroutines, updates = 100, 30
	var all sync.WaitGroup
	var calls atomic.Int64
	for range goroutines {
		all.Go(func() {
			for range updates {
				if err := r.Update("a", 0, func(n int) int { calls.Add(1); runtime.Gosched(); return n + 1 }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	h, _ := r.Get("a")
	require.Equal(t, goroutines*updates, h.Metadata)
	require.Greater(t, calls.Load(), int64(goroutines*updates))
}
