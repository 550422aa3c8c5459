package schedulerd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// An engine is a table in memory that may be down.
type engine struct {
	share.Store
	down   atomic.Bool
	closed atomic.Int32
}

var errDown = errors.New("the engine is down")

func (e *engine) Put(ctx context.Context, batch []share.Write) error {
	if e.down.Load() {
		return errDown
	}
	return e.Store.Put(ctx, batch)
}

// Feed passes on no frame while the engine is down.
func (e *engine) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	if e.down.Load() {
		return errDown
	}
	return e.Store.Feed(ctx, after, func(f share.Frame) bool { return !e.down.Load() && yield(f) })
}

func (e *engine) Open(schedulerd.Table) (share.Store, func() error, error) {
	return e, func() error { e.closed.Add(1); return nil }, nil
}

func (e *engine) Clear(context.Context, schedulerd.Table) error { return nil }

func newEngine() *engine { return &engine{Store: share.Memory()} }

// startSharing starts a scheduler that shares its hosts, and waits until it does.
func startSharing(t *testing.T, e *engine, name string, args ...string) *scheduler {
	t.Helper()
	s := startCommand(t, schedulerd.Command(e), append([]string{"-share", "memory://", "-share-name", name, "-v", "-log", "json"}, args...)...)
	s.awaitHealth(grpc_health_v1.HealthCheckResponse_SERVING)
	return s
}

func (s *scheduler) awaitHealth(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
	s.t.Helper()
	client := grpc_health_v1.NewHealthClient(s.conn)
	require.Eventually(s.t, func() bool {
		r, err := client.Check(s.t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "scheduler.v2.Scheduler"})
		return err == nil && r.GetStatus() == want
	}, longWait, 5*time.Millisecond, "it becomes %v", want)
}

// logged returns the lines of a kind about a host.
func (s *scheduler) logged(msg, host string) (lines []string) {
	for line := range strings.Lines(s.log.String()) {
		var l struct{ Msg, Host string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == msg && l.Host == host {
			lines = append(lines, line)
		}
	}
	return lines
}

// The end of a registration at one scheduler frees its peers on each, and is followed by one shared
// cleanup.
func TestAHostDepartsFromAllSchedulers(t *testing.T) {
	t.Parallel()
	e := newEngine()
	a, b := startSharing(t, e, "a"), startSharing(t, e, "b")
	first := a.mustAnnounce(t.Context(), "host", time.Minute)
	require.Eventually(t, func() bool { return slices.Equal(b.list(), []string{"host"}) }, longWait, time.Millisecond)
	second := b.mustAnnounce(t.Context(), "host", time.Minute)
	require.Equal(t, first.Registration, second.Registration)
	require.NotEmpty(t, first.Scheduler)
	require.NotEqual(t, first.Scheduler, second.Scheduler, "it must register its peers with both")
	for _, s := range []*scheduler{a, b} {
		require.NoError(t, s.register("host", "task", "peer"))
	}
	require.NoError(t, a.leave(t.Context(), "host"))
	for _, s := range []*scheduler{a, b} {
		require.Eventually(t, func() bool { return len(s.logged("departed", "host")) > 0 }, longWait, time.Millisecond)
		_, err := s.stat("host", "task", "peer")
		requireCode(t, codes.NotFound, err)
		require.Len(t, s.logged("departed", "host"), 1)
		require.Contains(t, s.logged("departed", "host")[0], `"kind":"left"`)
	}
	shared := func() []string {
		return slices.Concat(a.logged("shared cleanup", "host"), b.logged("shared cleanup", "host"))
	}
	require.Eventually(t, func() bool { return len(shared()) > 0 }, longWait, time.Millisecond)
	require.Len(t, shared(), 1)
	require.Contains(t, shared()[0], `"kind":"left"`)
	require.Contains(t, shared()[0], `"registration":"`+first.Registration+`"`)
}

// A scheduler that is out of touch refuses announces and leaves, and is not healthy. But it hears its
// hosts. So when the table is back, no host is evicted that has announced itself in vain.
func TestAnOutageOfTheTableEvictsNoHost(t *testing.T) {
	t.Parallel()
	e := newEngine()
	s := startSharing(t, e, "a", "-http", "127.0.0.1:0", "-lapse", "4s", "-multiple", "3")
	const interval = 2500 * time.Millisecond // the timeout is longer than the lapse
	s.mustAnnounce(t.Context(), "alive", interval)
	s.mustAnnounce(t.Context(), "dead", interval)
	s.mustAnnounce(t.Context(), "leaver", interval)
	e.down.Store(true)
	s.awaitHealth(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	status, body := ask(t, http.MethodGet, s.page()+"healthz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "not in touch")

	for _, id := range []string{"alive", "fresh"} {
		_, err := s.announce(t.Context(), id, interval)
		requireCode(t, codes.Unavailable, err)
	}
	requireCode(t, codes.Unavailable, s.leave(t.Context(), "leaver"))
	require.NotContains(t, s.list(), "leaver", "it has left, and is to tell another scheduler, too")
	e.down.Store(false)
	s.awaitHealth(grpc_health_v1.HealthCheckResponse_SERVING)
	require.Eventually(t, func() bool { return slices.Equal(s.list(), []string{"alive"}) }, 2*longWait, 10*time.Millisecond,
		"dead is evicted, alive was heard, and fresh has not joined")
	require.Contains(t, s.logged("departed", "leaver")[0], `"kind":"left"`)
}

// A scheduler that stops says goodbye: the others judge its hosts at once, and its store is closed.
func TestAStopIsAGoodbye(t *testing.T) {
	t.Parallel()
	e := newEngine()
	a, b := startSharing(t, e, "a"), startSharing(t, e, "b", "-http", "127.0.0.1:0")
	a.mustAnnounce(t.Context(), "host", time.Minute)
	require.Eventually(t, func() bool { return slices.Equal(b.list(), []string{"host"}) }, longWait, time.Millisecond)
	b.awaitMembers(2)
	a.stop()
	b.awaitMembers(1)
	require.Eventually(t, func() bool { return e.closed.Load() == 1 }, longWait, time.Millisecond)
	require.Contains(t, b.list(), "host")
}

// awaitMembers waits until the metrics show so many members.
func (s *scheduler) awaitMembers(n int) {
	s.t.Helper()
	want := regexp.MustCompile(fmt.Sprintf(`(?m)^hostlife_share_members\S* %d$`, n))
	url := s.page() + "metrics"
	require.Eventually(s.t, func() bool {
		_, metrics := ask(s.t, http.MethodGet, url)
		return want.MatchString(metrics)
	}, longWait, 20*time.Millisecond, "%d members", n)
}

func TestSharingNeedsAStore(t *testing.T) {
	err := schedulerd.Main(t.Context(), []string{"-share", "redis://127.0.0.1:1"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "this binary has no stores")
	for _, args := range [][]string{{"-lapse", "3s"}, {"-lapse", "2h"}, {"-share-namespace", ""}, {"-share-name", strings.Repeat("x", 300)}} {
		var out bytes.Buffer
		require.ErrorIs(t, schedulerd.Main(t.Context(), args, &out, io.Discard), cli.ErrUsage, "%v", args)
	}
}
