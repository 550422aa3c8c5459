package peerd_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A memory is a table in memory.
type memory struct{ store share.Store }

func (m memory) Open(schedulerd.Table) (share.Store, func() error, error) {
	return m.store, func() error { return nil }, nil
}

func (memory) Clear(context.Context, schedulerd.Table) error { return nil }

// scheduleSharing runs a scheduler that shares its hosts by the store.
func scheduleSharing(t *testing.T, listen string, store share.Store) (addr string, stop func()) {
	t.Helper()
	lines, stop := launchCommand(t, schedulerd.Command(memory{store}), "-listen", listen, "-share", "memory://", "-multiple", "8")
	return after(t, "listening on ", lines), stop
}

// A host stays with one scheduler, and goes to another one when that ends. It takes its peers there,
// and keeps its registration. When the first one is back, the host is known there, without peers.
func TestAHostGoesToTheNextScheduler(t *testing.T) {
	t.Parallel()
	store := share.Memory()
	var addrs []string
	stops := map[string]func(){}
	for range 3 {
		addr, stop := scheduleSharing(t, "127.0.0.1:0", store)
		addrs, stops[addr] = append(addrs, addr), stop
	}
	p := be(t, strings.Join(addrs, ","), "-id", "h", "-interval", "1s", "-v", "-log", "json")
	for range 2 {
		home := p.home(t)
		stops[home]()
		delete(stops, home)
		eventually(t, "it goes to another one", func() bool { return p.home(t) != home })
		next := dial(t, p.home(t))
		eventually(t, "with its peers", func() bool { return registered(next, "h", 3) })
	}
	require.Len(t, p.registrations(), 1)
	require.NoError(t, p.stop())
	for last := range stops {
		require.Empty(t, list(dial(t, last)))
	}
}

// The scheduler restarts, and the registration outlives it in the table. Its peers do not.
func TestAHostRegistersItsPeersAgainWithANewProcess(t *testing.T) {
	t.Parallel()
	store := share.Memory()
	_, _ = scheduleSharing(t, "127.0.0.1:0", store) // has the table meanwhile
	addr, stop := scheduleSharing(t, "127.0.0.1:0", store)
	p := be(t, addr, "-id", "h", "-interval", "1s", "-v", "-log", "json")
	c := dial(t, addr)
	eventually(t, "join", func() bool { return registered(c, "h", 3) })
	stop()
	_, _ = scheduleSharing(t, addr, store)
	eventually(t, "register again", func() bool { return registered(c, "h", 3) })
	require.Len(t, p.registrations(), 1)
	require.NoError(t, p.stop())
}

// A host whose scheduler answers stays there.
func TestAHostStaysWithAScheduler(t *testing.T) {
	t.Parallel()
	accept := func(context.Context, int) error { return nil }
	first, a := fly(t, accept)
	second, b := fly(t, accept)
	p := be(t, a+","+b, "-id", "h", "-interval", "2s", "-peers", "0")
	counts := func() (int, int) { return first.times("h"), second.times("h") }
	eventually(t, "it announces itself", func() bool { n, m := counts(); return n+m >= 4 })
	n, m := counts()
	require.LessOrEqual(t, min(n, m), max(n, m)/3, "an attempt may fail on a busy machine")
	require.NoError(t, p.stop())
}

// A host that roams meets all schedulers, and has its peers on each.
func TestAHostRoams(t *testing.T) {
	t.Parallel()
	store := share.Memory()
	var addrs []string
	for range 3 {
		addr, _ := scheduleSharing(t, "127.0.0.1:0", store)
		addrs = append(addrs, addr)
	}
	p := be(t, strings.Join(addrs, ","), "-roam", "-id", "h", "-interval", "500ms", "-v", "-log", "json")
	for _, addr := range addrs {
		c := dial(t, addr)
		eventually(t, "its peers are at "+addr, func() bool { return registered(c, "h", 3) })
	}
	require.Len(t, p.homes(), 3)
	eventually(t, "one registration", func() bool { return len(p.registrations()) > 0 })
	require.NoError(t, p.stop())
	for _, addr := range addrs {
		c := dial(t, addr)
		eventually(t, "it has left", func() bool { return len(list(c)) == 0 })
	}
}

// A scheduler that hangs costs one attempt, also when the host leaves.
func TestAHostLeavesAtAnotherScheduler(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
	first, hanging := fly(t, hang)
	second, away := fly(t, func(context.Context, int) error { return status.Error(codes.Unavailable, "not ready") })
	first.leave, second.leave = first.answer, second.answer
	addr, _ := scheduleSharing(t, "127.0.0.1:0", share.Memory())
	p := be(t, strings.Join([]string{hanging, away, addr}, ","), "-id", "h", "-hosts", "6", "-interval", "1s", "-peers", "1")
	c := dial(t, addr)
	eventually(t, "all join", func() bool { return len(list(c)) == 6 && registered(c, "h-00006", 1) })
	require.NoError(t, p.stop())
	require.Empty(t, list(c))
}
