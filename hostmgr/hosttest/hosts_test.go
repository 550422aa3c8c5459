package hosttest_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/gc"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hosttest"
)

const second = time.Second

func announce(t testing.TB, h *hosttest.Hosts[string], interval time.Duration, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := h.Announce(hostmgr.Announcement[string]{ID: id, Interval: interval})
		require.NoError(t, err)
	}
}

// When Advance returns, the sweeps, the confirmations and the cleanups are done, with their
// retries, each at its own time.
func TestAdvanceDoesAllThatIsDue(t *testing.T) {
	for range 20 {
		var asked, cleaned []string // no lock: the race detector checks that Advance waits
		h := hosttest.Run(t, hostmgr.Config[string]{
			Confirm: func(_ context.Context, due []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
				for _, d := range due {
					asked = append(asked, d.ID)
				}
				return due, nil
			},
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if d.Attempt < 4 {
					return errors.New("not yet")
				}
				cleaned = append(cleaned, d.Host.ID)
				return nil
			},
			CleanupWorkers: 1,
		})
		announce(t, h, 30*second, "a", "b", "c")
		h.KeepAlive("b")
		h.Advance(time.Minute)
		require.Empty(t, asked, "at their timeout")
		h.Advance(1)
		require.ElementsMatch(t, []string{"a", "c"}, asked)
		require.Empty(t, cleaned)
		h.Advance(2 * second)
		require.ElementsMatch(t, []string{"a", "c"}, cleaned)
		require.Equal(t, 1, h.Len())

		h.Silence("b")
		h.Advance(time.Minute + 2*second)
		require.Len(t, cleaned, 3)
		s := h.Stats()
		require.EqualValues(t, 3, s.Departures.Evicted)
		require.Zero(t, s.Stalls)
		require.Zero(t, s.Cleanup.Pending)
	}
}

// Set is a stall, Advance is not.
func TestAStallIsASet(t *testing.T) {
	h := hosttest.Run(t, hostmgr.Config[string]{})
	announce(t, h, 30*second, "a")
	h.Clock.Set(h.Clock.Now().Add(time.Hour))
	require.Equal(t, 1, h.Len())
	require.EqualValues(t, 1, h.Stats().Stalls)
	h.Advance(time.Minute + second)
	require.Zero(t, h.Len())
}

// Two registries and a GC share a Mock. Each of them does its work at each of its times.
func TestManyLoopsOnOneMock(t *testing.T) {
	for range 10 {
		mock := clock.NewMock()
		one := hosttest.Run(t, hostmgr.Config[string]{Clock: mock})
		two := hosttest.Run(t, hostmgr.Config[string]{Clock: mock})
		tasks, err := gc.New(gc.Config{Clock: mock})
		require.NoError(t, err)
		var ran []time.Duration // no lock: Add waits for runs
		require.NoError(t, tasks.Add(gc.Task{ID: "a", Interval: 10 * second, Run: func(context.Context) error {
			ran = append(ran, mock.Since(time.Unix(0, 0)))
			return nil
		}}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tasks.Run(ctx) }()
		announce(t, one, 20*second, "a")
		announce(t, two, 40*second, "a")
		mock.Add(41 * second)
		require.Equal(t, [2]int{0, 1}, [2]int{one.Len(), two.Len()})
		require.Equal(t, []time.Duration{10 * second, 20 * second, 30 * second, 40 * second}, ran)
		require.Zero(t, one.Stats().Stalls+two.Stats().Stalls)
		cancel()
		require.NoError(t, <-ended)
	}
}

// Two registries share a Mock, and a host that left is kept alive no longer.
func TestRegistriesShareAClock(t *testing.T) {
	mock := clock.NewMock()
	one := hosttest.Run(t, hostmgr.Config[string]{Clock: mock})
	two := hosttest.Run(t, hostmgr.Config[string]{Clock: mock})
	announce(t, one, second, "a", "b")
	announce(t, two, second, "a")
	one.KeepAlive("a", "b")
	require.NoError(t, one.Leave(t.Context(), "b", 0))
	one.Advance(10 * second)
	require.Equal(t, 1, one.Len())
	require.Zero(t, two.Len())
}

// A test that fails gets the reason. It ends as Fatalf ends it.
type fatal struct{ recorder }

func (f *fatal) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	panic(f)
}

// recorded calls f with a test that ends where f fails it, and returns its failures.
func recorded(t *testing.T, f func(t testing.TB)) []string {
	r := &fatal{recorder{TB: t}}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		f(r)
	}()
	return r.failures
}

func TestMistakesFailTheTest(t *testing.T) {
	for message, mistake := range map[string]func(t testing.TB){
		"hosttest: Config.Clock is a clock.system, and not a *clock.Mock": func(t testing.TB) {
			hosttest.Run(t, hostmgr.Config[string]{Clock: clock.System()})
		},
		"hosttest: hostmgr: invalid: Config.MaxHosts -1 is negative": func(t testing.TB) {
			hosttest.Run(t, hostmgr.Config[string]{MaxHosts: -1})
		},
		`hosttest: KeepAlive: host "a" is not registered`: func(t testing.TB) {
			hosttest.Run(t, hostmgr.Config[string]{}).KeepAlive("a")
		},
	} {
		require.Equal(t, []string{message}, recorded(t, mistake))
	}
}

// A thousand hosts, of which half fall silent.
func TestManyHosts(t *testing.T) {
	var mu sync.Mutex
	cleaned := map[string]bool{}
	h := hosttest.Run(t, hostmgr.Config[string]{Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
		mu.Lock()
		defer mu.Unlock()
		cleaned[d.Host.ID] = true
		return nil
	}})
	for i := range 1000 {
		id := strconv.Itoa(i)
		announce(t, h, 10*second, id)
		if i%2 == 0 {
			h.KeepAlive(id)
		}
	}
	h.Advance(time.Minute)
	require.Equal(t, 500, h.Len())
	require.Len(t, cleaned, 500)
}

// One host stays alive, the other one falls silent.
func ExampleRun() {
	t := &testing.T{} // of the test
	cleaned := 0
	hosts := hosttest.Run(example{t}, hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			cleaned++
			return nil
		},
	})
	for _, id := range []string{"a", "b"} {
		_, _ = hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: 30 * time.Second})
	}
	hosts.KeepAlive("a") // b falls silent

	hosts.Advance(time.Minute)
	fmt.Println("after a minute:", hosts.Len(), "hosts")
	hosts.Advance(time.Second)
	fmt.Println("a second later:", hosts.Len(), "host,", cleaned, "cleanup")
	end()
	// Output:
	// after a minute: 2 hosts
	// a second later: 1 host, 1 cleanup
}

// A policy of your own has this test.
func ExampleTestPolicy() {
	t := &testing.T{} // of the test
	hosttest.TestPolicy(t, hostmgr.Fixed(2))
	fmt.Println(t.Failed())
	// Output: false
}

// An example is a test whose end the example calls.
type example struct{ testing.TB }

var atEnd []func()

func (example) Helper()          {}
func (example) Cleanup(f func()) { atEnd = append(atEnd, f) }

func end() {
	for _, f := range atEnd {
		f()
	}
}
