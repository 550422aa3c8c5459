package hostmgr_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// TestRunLends: many beats under Run, and they are lent the time; few, and it is taken
// back. Whoever died then is evicted all the same, after its patience and hardly later.
func TestRunLends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{})
		require.NoError(t, err)
		stop := run(t, r)
		const hosts = 20_000
		for i := range hosts {
			_, err := r.Announce(hostmgr.Announcement[int]{ID: fmt.Sprint(i), Interval: second})
			require.NoError(t, err)
		}
		beatAll := func() {
			for i := range hosts {
				_, err := r.Heartbeat(fmt.Sprint(i), 0)
				require.NoError(t, err)
			}
		}
		for range 20 {
			require.False(t, r.Lent())
			beatAll()
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			if r.Lent() {
				break
			}
		}
		require.True(t, r.Lent(), "400,000 a second are many")

		time.Sleep(3 * time.Millisecond)
		beatAll()
		last := time.Now()
		h, ok := r.Get("7")
		require.True(t, ok)
		require.Equal(t, last, h.LastSeen, "not in the future")
		require.Equal(t, hosts, r.Len())
		time.Sleep(2 * second)
		synctest.Wait()
		require.Equal(t, hosts, r.Len(), "nobody was silent for longer than its patience")
		require.False(t, r.Lent(), "nobody is heard any more")
		time.Sleep(hostmgr.LendAhead + time.Millisecond)
		synctest.Wait()
		require.Zero(t, r.Len())
		stop()
		require.EqualValues(t, hosts, r.Stats().Evicted)
	})
}

// TestRunLendsOnlyWhileBeatsAreMany: by the last quarter of a second, however quiet it was
// before; and the end of Run is the end of it.
func TestRunLendsOnlyWhileBeatsAreMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(hostmgr.Config[int]{})
		require.NoError(t, err)
		stop := run(t, r)
		ids := make([]string, 4000)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		lent := func(perSecond int) bool {
			for range 100 {
				for i := range perSecond / 100 {
					_, err := r.Heartbeat(ids[i], 0)
					require.Equal(t, hostmgr.ErrUnknownHost, err)
				}
				time.Sleep(10*time.Millisecond + 1) // so that others are counted each time
			}
			synctest.Wait()
			return r.Lent()
		}
		time.Sleep(time.Hour)
		require.False(t, lent(30_000))
		require.True(t, lent(400_000))
		require.False(t, lent(30_000))
		require.True(t, lent(400_000))
		stop()
		require.False(t, r.Lent())
	})
}

// TestOtherClocksAreRead: whoever brings a clock of their own sees exactly its time.
func TestOtherClocksAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type own struct{ clock.Clock }
		r, err := hostmgr.New(hostmgr.Config[int]{Clock: own{clock.System()}})
		require.NoError(t, err)
		defer run(t, r)()
		for range 60 {
			for i := range 10_000 {
				_, err := r.Heartbeat(fmt.Sprint(i), 0)
				require.Equal(t, hostmgr.ErrUnknownHost, err)
			}
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			require.False(t, r.Lent())
		}
	})
}

// TestRunTakesBack: after Run beats read the clock.
func TestRunTakesBack(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.join("a")
	s.Lend()
	s.TakeBack()
	require.False(t, s.Lent())
	s.clock.Advance(second)
	s.beat("a")
	require.Equal(t, s.clock.Now(), s.get("a").LastSeen)
}

// TestOverdueStamp: a beat whose stamp is older than the word that it finds counts all
// the same, while the stamp is still lent and after.
func TestOverdueStamp(t *testing.T) {
	for _, again := range []bool{false, true} {
		s := newScript(t, hostmgr.Config[string]{})
		s.join("a")
		s.Lend()
		s.clock.Advance(2 * hostmgr.LendAhead)
		s.join("a") // reads the clock
		s.clock.Advance(second)
		s.beat("a")
		s.after(second)
		if again {
			s.Lend()
		}
		s.after(second)
		require.False(t, s.gone("a"), "heard two seconds ago")
		if again {
			s.after(second + 1) // the stamp was overdue for so long
			require.True(t, s.gone("a"))
		}
	}
}

// TestLentTimeIsNeverEarly: however late the time that is lent is replaced, nobody is
// evicted within its patience of a beat; and who is dead is evicted, later by no more
// than the time was lent ahead and for too long.
func TestLentTimeIsNeverEarly(t *testing.T) {
	for seed := range uint64(20) {
		lending := rand.New(rand.NewPCG(seed, 1))
		s := newScript(t, hostmgr.Config[string]{})
		const hosts = 20
		heard := map[string]time.Time{}
		for i := range hosts {
			id := fmt.Sprint(i)
			s.join(id)
			heard[id] = s.clock.Now()
		}
		worst := hostmgr.LendAhead
		lent := s.clock.Now()
		for range 2000 {
			id := fmt.Sprint(lending.IntN(hosts))
			now := s.clock.Now()
			switch lending.IntN(8) {
			case 0:
				worst = max(worst, now.Sub(lent))
				s.Lend()
				lent = now
			case 1, 2:
				s.clock.Advance(time.Duration(lending.IntN(100)) * time.Millisecond)
			case 3:
				s.Sweep(t.Context())
			case 4:
				s.join(id) // reads the clock
				heard[id] = now
			case 5:
				age := time.Duration(lending.IntN(300)) * time.Millisecond
				if s.Observe(id, 0, age) == nil && now.Add(-age).After(heard[id]) {
					heard[id] = now.Add(-age)
				}
			default:
				if _, err := s.Heartbeat(id, 0); err == nil {
					heard[id] = now
				}
			}
			for id, at := range heard {
				silence := s.clock.Since(at)
				h, there := s.Get(id)
				switch due := !there || h.State == hostmgr.Offline; {
				case due && silence <= 2*second:
					t.Fatalf("seed %d: due, or evicted, after %v", seed, silence)
				case !due && silence > 2*second+worst+s.clock.Since(lent):
					t.Fatalf("seed %d: not due after %v", seed, silence)
				case !there:
					delete(heard, id)
				}
			}
		}
	}
}

// TestMuchLateness: stamps that were lent for too long are remembered, however many.
func TestMuchLateness(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	s.announce(hostmgr.Announcement[string]{ID: "a", Interval: time.Hour})
	s.Lend()
	s.clock.Advance(5 * second)
	s.beat("a")
	heard := s.clock.Now()
	s.announce(hostmgr.Announcement[string]{ID: "b", Interval: time.Hour})
	var heardLater time.Time
	for i := range 20_000 {
		s.Lend()
		s.clock.Advance(2 * hostmgr.LendAhead)
		if i == 101 {
			s.beat("b")
			heardLater = s.clock.Now()
		}
	}
	s.TakeBack()
	require.LessOrEqual(t, s.Overdue(), hostmgr.MaxOverdue)
	require.False(t, s.get("b").EvictAt.Before(heardLater.Add(2*time.Hour)))
	require.False(t, s.get("a").EvictAt.Before(heard.Add(2*time.Hour)))
	s.after(heard.Add(2 * time.Hour).Sub(s.clock.Now()))
	require.False(t, s.gone("a"))
	s.after(5*second + 2*time.Hour/60)
	require.True(t, s.gone("a"), "nor much later")
}
