package hostmgr_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type hosts = []hostmgr.Host[string]

func TestConfirmIsAskedInBatchesAndDecides(t *testing.T) {
	asked := 0
	s := newScript(t, hostmgr.Config[string]{
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			require.LessOrEqual(t, len(due), 512)
			asked += len(due)
			var may hosts
			for _, h := range due {
				require.Equal(t, hostmgr.StateOffline, h.State)
				if n, _ := strconv.Atoi(h.ID); n%2 == 0 {
					may = append(may, h)
				}
			}
			return append(may, hostmgr.Host[string]{ID: "not asked about", Registration: 1 << 40}), nil
		},
	})
	for i := range 2000 {
		s.join(strconv.Itoa(i))
	}
	s.clock.Advance(2*second + 1)
	s.heartbeat("0")
	rep := s.Sweep(context.Background())
	require.Equal(t, 1999, asked, "not about the host that had a contact")
	require.Equal(t, 999, rep.Evicted)
	require.Equal(t, 1000, rep.Held)
	require.Equal(t, 1000, s.Stats().Held)
	require.Equal(t, 1001, s.Len())
	require.Equal(t, "refused by Confirm", s.get("1").Hold.String())
	s.heartbeat("1")
	require.Equal(t, hostmgr.StateAlive, s.get("1").State, "a single heartbeat saves it")
	require.Empty(t, s.get("1").Hold)
}

func TestAFailingConfirmHoldsAll(t *testing.T) {
	fail := map[string]func() (hosts, error){
		"error": func() (hosts, error) { return nil, errors.New("no answer") },
		"panic": func() (hosts, error) { panic("oops") },
	}
	for what, f := range fail {
		broken := true
		s := newScript(t, hostmgr.Config[string]{
			Confirm: func(_ context.Context, due hosts) (hosts, error) {
				if broken {
					return f()
				}
				return due, nil
			},
		})
		s.join("a")
		require.Zero(t, s.after(3*second).Evicted, what)
		require.Equal(t, "Confirm failed", s.get("a").Hold.String(), what)
		require.Equal(t, uint64(1), s.Stats().ConfirmFailures, what)
		next, _ := s.Next()
		require.Equal(t, second, next.Sub(s.clock.Now()), "a driver is not sent round in circles")
		broken = false
		require.Equal(t, 1, s.after(0).Evicted, "a sweep by hand asks at once")
	}
}

// Held hosts are in many buckets of the index, and in more buckets after other hosts have joined.
func TestASweepByHandAsksAboutAllHeldHosts(t *testing.T) {
	broken := true
	s := newScript(t, hostmgr.Config[string]{
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			if broken {
				return nil, errors.New("no answer")
			}
			return due, nil
		},
	})
	for i := range 2500 {
		s.join(strconv.Itoa(i))
	}
	require.Equal(t, 2500, s.after(3*second).Held)
	for i := range 5000 {
		s.announce(hostmgr.Announcement[string]{ID: "new " + strconv.Itoa(i), Interval: time.Hour})
	}
	broken = false
	require.Equal(t, 2500, s.after(0).Evicted)
}

// A host that has a contact, leaves or is replaced during a call of Confirm is not evicted,
// whatever the answer.
func TestConfirmsAnswerIsCheckedAgain(t *testing.T) {
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Confirm: func(ctx context.Context, due hosts) (hosts, error) {
			s.heartbeat("heard")
			require.NoError(t, s.Leave(ctx, "left", 0))
			s.announce(hostmgr.Announcement[string]{ID: "replaced", Interval: second, Incarnation: s.get("replaced").Incarnation + 1})
			return due, nil
		},
	})
	for _, id := range []string{"heard", "left", "replaced", "dead"} {
		s.join(id)
	}
	require.Equal(t, 1, s.after(3*second).Evicted)
	require.Equal(t, []string{"heard", "replaced"}, s.ids())
}

func TestUnderRunAHangingConfirmStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		r, err := hostmgr.New(hostmgr.Config[string]{
			ConfirmTimeout: time.Hour,
			Confirm: func(ctx context.Context, due hosts) (hosts, error) {
				switch calls.Add(1) {
				case 1:
					time.Sleep(time.Minute)
				case 2:
					runtime.Goexit()
				}
				return due, nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(10 * second)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "b", Interval: second})
		require.NoError(t, err)
		time.Sleep(1700 * time.Millisecond)
		require.Equal(t, 2, r.Stats().Suspects, "sweeps go on")
		require.Equal(t, int32(1), calls.Load(), "one batch at a time")
		h, _ := r.Get("a")
		require.Equal(t, "awaiting Confirm", h.Hold.String())
		time.Sleep(time.Minute)
		require.Zero(t, r.Len())
		require.Equal(t, uint64(1), r.Stats().ConfirmFailures)
		stop()
	})
}

// An answer applies to the silence of the question, not to the next one.
func TestConfirmsAnswerDoesNotOutliveAHeartbeat(t *testing.T) {
	var s *script
	s = newScript(t, hostmgr.Config[string]{
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			s.heartbeat("a")
			s.clock.Advance(3 * second)
			return due, nil
		},
	})
	s.join("a")
	rep := s.after(3 * second)
	require.Zero(t, rep.Evicted)
	require.Zero(t, rep.Held)
	require.Zero(t, s.Stats().Held)
}

// A host is still due after a contact in the past. The answer is about the longer silence, so
// Confirm is asked about the shorter one too.
func TestConfirmsAnswerDoesNotOutliveAContactInThePast(t *testing.T) {
	var s *script
	asked := 0
	s = newScript(t, hostmgr.Config[string]{
		Confirm: func(_ context.Context, due hosts) (hosts, error) {
			if asked++; asked == 1 {
				require.NoError(t, s.Observe("a", 0, 5*second))
			}
			return due, nil
		},
	})
	s.join("a")
	rep := s.after(10 * second)
	require.Equal(t, [2]int{0, 1}, [2]int{rep.Evicted, rep.Held})
	require.Equal(t, "awaiting Confirm", s.get("a").Hold.String())
	require.Equal(t, 1, s.after(0).Evicted)
	require.Equal(t, 2, asked)
	require.EqualValues(t, 1, s.Stats().HeldByConfirm, "it was due once")
}

// Run returns after Confirm, not before.
func TestRunWaitsForConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asking := false
		r, err := hostmgr.New(hostmgr.Config[string]{
			Confirm: func(ctx context.Context, due hosts) (hosts, error) {
				asking = true
				<-ctx.Done()
				time.Sleep(9 * second) // it stops slowly
				asking = false
				return due, ctx.Err()
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: "a", Interval: second})
		require.NoError(t, err)
		time.Sleep(3 * second)
		synctest.Wait()
		require.True(t, asking)
		stop()
		require.False(t, asking)
	})
}

// At the end of Run, a Confirm calls Leave, which waits for a cleanup. No worker begins one any
// more.
func TestRunEndsAlthoughItsConfirmAwaitsACleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *hostmgr.Registry[string]
		left := make(chan error, 1)
		r, err := hostmgr.New(hostmgr.Config[string]{
			Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
			Confirm: func(ctx context.Context, due hosts) (hosts, error) {
				<-ctx.Done()
				left <- r.Leave(context.Background(), "b", 0)
				return nil, nil
			},
		})
		require.NoError(t, err)
		for id, interval := range map[string]time.Duration{"a": second, "b": time.Hour} {
			_, err = r.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
			require.NoError(t, err)
		}
		stop := run(t, r)
		time.Sleep(3 * second)
		stop()
		require.NoError(t, <-left)
	})
}

// Hosts change while Confirm is asked about them, or about others before them. The report says how
// many hosts are held after the sweep, not how many were going to be.
func TestAReportCountsHostsHeldInTheEnd(t *testing.T) {
	for what, row := range map[string]struct {
		meanwhile func(s *script, id string)
		held      int // of 600, less the two that change
	}{
		"heard":    {func(s *script, id string) { s.heartbeat(id) }, 598},
		"left":     {func(s *script, id string) { require.NoError(s.t, s.Leave(context.Background(), id, 0)) }, 598},
		"replaced": {func(s *script, id string) { s.announce(hostmgr.Announcement[string]{ID: id, Incarnation: 1 << 62}) }, 598},
		"a stall":  {func(s *script, _ string) { s.clock.Advance(6 * second) }, 0}, // all get grace
	} {
		var s *script
		calls := 0
		s = newScript(t, hostmgr.Config[string]{
			StallThreshold: 10 * second,
			Confirm: func(_ context.Context, due hosts) (hosts, error) {
				if calls++; calls == 1 {
					row.meanwhile(s, due[0].ID)
					row.meanwhile(s, notAmong(s, due))
				}
				return nil, nil
			},
		})
		for i := range 600 { // more than a batch
			s.join(strconv.Itoa(i))
		}
		rep := s.after(3 * second)
		require.Equal(t, row.held, rep.Held, what)
		require.Equal(t, row.held, s.Stats().Held, what)
		require.Zero(t, rep.Evicted, what)
	}
}

// notAmong returns the id of a due host that is not one of these.
func notAmong(s *script, these hosts) string {
	for h := range s.All() {
		if !slices.ContainsFunc(these, func(other hostmgr.Host[string]) bool { return other.ID == h.ID }) {
			return h.ID
		}
	}
	return ""
}
