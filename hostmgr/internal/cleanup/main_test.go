package cleanup_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr/internal/cleanup"
	"github.com/hostlife/hostlife/hostmgr/internal/monotime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = time.Second

var errNotNow = errors.New("not now")

// A cleaner is the Clean of a queue whose jobs carry their host's id.
type cleaner = func(ctx context.Context, id string, attempt int) error

// A script is a queue and the calls that it made.
type script struct {
	*cleanup.Queue[string]
	t       testing.TB
	clock   *monotime.Clock
	replan  chan struct{}
	failing func(err error) // called by Failed
	asked   func()          // called by Replan; notify, unless a test sets it

	mu     sync.Mutex // guards all below
	failed []failure
	took   map[string]time.Duration
	told   []string // what else was reported, as "left behind a"
}

type failure struct {
	id      string
	attempt int
	err     error
}

// newScript returns a queue on the clock of the bubble that it is called in.
func newScript(t testing.TB, workers int, clean cleaner) *script {
	return newScriptOn(t, clock.System(), workers, clean)
}

func newScriptOn(t testing.TB, c clock.Clock, workers int, clean cleaner) *script {
	s := &script{t: t, replan: make(chan struct{}, 1), took: map[string]time.Duration{}, failing: func(error) {}}
	s.asked = s.notify
	s.clock = monotime.New(c, second, s.notify)
	s.Queue = cleanup.New(cleanup.Config[string]{
		Clean: clean, Clock: s.clock, Limit: 30 * second, Workers: workers, Failed: s.fail, Done: s.done,
		Replan:   func() { s.asked() },
		TimedOut: s.tell("timed out"), LeftBehind: s.tell("left behind"), GivenUp: s.tell("given up"),
		Draw: longest,
	})
	return s
}

// longest makes each pause the longest, so that a test knows it.
func longest(n int64) int64 { return n - 1 }

func (s *script) tell(what string) func(id string) {
	return func(id string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, what+" "+id)
	}
}

func (s *script) notify() {
	select {
	case s.replan <- struct{}{}:
	default:
	}
}

func (s *script) fail(id string, attempt int, err error) {
	s.failing(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, failure{id, attempt, err})
}

func (s *script) done(id string, took int64) {
	if s.pending() == 0 {
		s.t.Error("a job is seen as done before Done is called")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[id] = time.Duration(took)
}

// work returns a task whose duration counts from due.
func work[D any](id string, d D, due int64) cleanup.Task[D] {
	return cleanup.Task[D]{ID: id, Value: d, Due: due}
}

// add adds a job, and has a worker started if there are any.
func (s *script) add(id string) *cleanup.Job[string] {
	now := s.clock.Now()
	j := s.Add(work(id, id, now), now)
	s.Wake()
	return j
}

// leave adds a job and waits for it.
func (s *script) leave(ctx context.Context, id string) error { return s.Await(ctx, s.add(id)) }

// leaveAside is leave on a goroutine of its own.
func (s *script) leaveAside(ctx context.Context, id string) <-chan error {
	outcome := make(chan error, 1)
	go func() { outcome <- s.leave(ctx, id) }()
	synctest.Wait()
	return outcome
}

func (s *script) sweep() (cleaned int) { return s.Sweep(s.t.Context(), func() {}) }

// sweepAfter sweeps when some time has passed.
func (s *script) sweepAfter(d time.Duration) (cleaned int) {
	time.Sleep(d)
	return s.sweep()
}

func (s *script) pending() int { return s.Stats().Pending }

// run drives the queue as a registry's Run does. stop waits for its end.
func (s *script) run() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer s.Start(ctx)()
		for ctx.Err() == nil {
			s.rest(ctx)
		}
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-ended
	}
}

func (s *script) rest(ctx context.Context) {
	s.Expire()
	now := s.clock.Now()
	var planned <-chan time.Time
	if next := s.Plan(now); next < monotime.Never {
		planned = time.After(time.Duration(next - now))
	}
	select {
	case <-ctx.Done():
	case <-s.replan:
	case <-planned:
	}
}

// bubble runs a test in a bubble.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// ended is a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func succeed(context.Context, string, int) error { return nil }
