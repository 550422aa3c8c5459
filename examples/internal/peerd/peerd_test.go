package peerd_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/peerd"
	"github.com/hostlife/hostlife/examples/internal/wire"
)

func TestAnnouncesRegistersAndLeaves(t *testing.T) {
	addr, _ := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	p := be(t, addr, "-id", "h", "-interval", "30s", "-peers", "4")
	eventually(t, "joins", func() bool { return slices.Equal(list(c), []string{"h"}) && registered(c, "h", 4) })
	require.NoError(t, p.stop())
	require.Empty(t, list(c))
	require.False(t, registered(c, "h", 1))
}

func TestManyHosts(t *testing.T) {
	t.Parallel()
	addr, _ := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	p := be(t, addr, "-id", "h", "-hosts", "300", "-interval", "3s", "-peers", "1")
	eventually(t, "join", func() bool { return len(list(c)) == 300 && registered(c, "h-00300", 1) })
	require.Equal(t, "h-00001", list(c)[0])
	require.NoError(t, p.stop())
	require.Empty(t, list(c))
}

// Hosts share as many connections as they are told.
func TestHostsShareConnections(t *testing.T) {
	t.Parallel()
	addr, _ := schedule(t, "127.0.0.1:0")
	f := build(t, addr)
	p := be(t, f.ln.Addr().String(), "-hosts", "30", "-connections", "10", "-interval", "3s", "-peers", "0")
	c := dial(t, addr)
	eventually(t, "join", func() bool { return len(list(c)) == 30 })
	require.EqualValues(t, 10, f.accepted.Load())
	require.NoError(t, p.stop())
	require.Empty(t, list(c))
}

// Each scheduler knows all hosts. One that is away, or refuses them, does not matter to the others.
func TestAnnouncesToAllSchedulers(t *testing.T) {
	t.Parallel()
	first, _ := schedule(t, "127.0.0.1:0")
	second, stop := schedule(t, "127.0.0.1:0")
	d, third := fly(t, func(context.Context, int) error { return status.Error(codes.InvalidArgument, "no such thing") })
	all := strings.Join([]string{first, second, third}, ",")
	p := be(t, all, "-all", "-id", "h", "-hosts", "10", "-interval", "2s", "-peers", "1")
	a, b := dial(t, first), dial(t, second)
	join := func() bool { return registered(a, "h-00010", 1) && registered(b, "h-00010", 1) }
	eventually(t, "join", join)
	stop()
	schedule(t, second)
	eventually(t, "join again", join)
	announces, _ := d.counts()
	require.Equal(t, 10, announces)
	require.NoError(t, p.stop())
	require.Empty(t, list(a))
	require.Empty(t, list(b))
}

func TestJoinsAgainWhenTheSchedulerRestarts(t *testing.T) {
	t.Parallel()
	addr, stop := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	be(t, addr, "-id", "h", "-interval", "100ms")
	eventually(t, "joins", func() bool { return registered(c, "h", 3) })
	stop()
	schedule(t, addr)
	eventually(t, "joins again, with its peers", func() bool { return registered(c, "h", 3) })
}

func TestGivesWayToANewerIncarnation(t *testing.T) {
	t.Parallel()
	addr, _ := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	older := be(t, addr, "-id", "h", "-interval", "1s", "-incarnation", "1")
	eventually(t, "joins", func() bool { return registered(c, "h", 3) })
	newer := be(t, addr, "-id", "h", "-interval", "1s", "-incarnation", "2")
	older.mustEnd(t)
	require.Equal(t, codes.FailedPrecondition, status.Code(older.stop()))
	require.Equal(t, []string{"h"}, list(c))
	require.NoError(t, newer.stop())
	require.Empty(t, list(c))
}
func TestFollowsTheIntervalItIsTold(t *testing.T) {
	d, addr := fly(t, func(ctx context.Context, _ int) error {
		return grpc.SetHeader(ctx, wire.Ack{Incarnation: 1, Registration: "1", Interval: 20 * time.Millisecond}.Metadata())
	})
	be(t, addr, "-interval", "1h", "-peers", "2")
	eventually(t, "announces at 20 ms, not 1 h", func() bool { n, _ := d.counts(); return n >= 5 })
	_, registers := d.counts()
	require.Equal(t, 2, registers, "once: it is the same registration")
}

func TestKeepsItsOwnIntervalWhenToldNone(t *testing.T) {
	d, addr := fly(t, func(context.Context, int) error { return nil })
	start := time.Now() // not the first announce, which may be late by any time
	be(t, addr, "-interval", "50ms")
	eventually(t, "announces", func() bool { n, _ := d.counts(); return n >= 5 })
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Greater(t, d.announces[4].Sub(start), 150*time.Millisecond)
}

func TestRetriesWithinTheInterval(t *testing.T) {
	d, addr := fly(t, func(_ context.Context, n int) error {
		if n <= 3 {
			return status.Error(codes.Unavailable, "not yet")
		}
		return nil
	})
	const interval = 2 * time.Second
	be(t, addr, "-interval", interval.String())
	eventually(t, "is heard", func() bool { n, _ := d.counts(); return n >= 4 })
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Less(t, d.announces[3].Sub(d.announces[0]), interval)
}

// The peers of the old registration are gone. The host registers them again.
func TestRegistersAgainInANewLife(t *testing.T) {
	d, addr := fly(t, func(ctx context.Context, n int) error {
		return grpc.SetHeader(ctx, wire.Ack{Incarnation: 1, Registration: fmt.Sprint(1 + n/4), Interval: 20 * time.Millisecond}.Metadata())
	})
	be(t, addr, "-interval", "20ms", "-peers", "1")
	eventually(t, "registers", func() bool { n, r := d.counts(); return n >= 8 && r >= 3 })
}

// An attempt that hangs is given up in time for others.
func TestAnAttemptHasALimit(t *testing.T) {
	d, addr := fly(t, func(ctx context.Context, n int) error {
		if n == 1 {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	const interval = 2 * time.Second
	be(t, addr, "-interval", interval.String(), "-peers", "0")
	eventually(t, "tries again", func() bool { n, _ := d.counts(); return n >= 2 })
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Less(t, d.announces[1].Sub(d.announces[0]), interval)
}

// A leave comes after the announce that is under way, or the host would be there
// again.
func TestLeavesAfterTheAnnounceUnderWay(t *testing.T) {
	addr, _ := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	for range 20 {
		p := be(t, addr, "-id", "h", "-interval", "10ms", "-peers", "0")
		eventually(t, "joins", func() bool { return len(list(c)) == 1 })
		require.NoError(t, p.stop())
		require.Empty(t, list(c))
	}
}

// A host that leaves waits for a scheduler that is away for a moment.
func TestLeavesWhenTheSchedulerIsBack(t *testing.T) {
	t.Parallel()
	addr, stop := schedule(t, "127.0.0.1:0")
	c := dial(t, addr)
	p := be(t, addr, "-id", "h", "-interval", "30s")
	eventually(t, "joins", func() bool { return registered(c, "h", 3) })
	stop()
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	p.cancel()
	conn, err := ln.Accept() // it tries
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, ln.Close())
	schedule(t, addr)
	p.mustEnd(t)
	require.NoError(t, p.stop())
}

// What no repetition cures is not repeated.
func TestEndsWhenItIsRefused(t *testing.T) {
	_, addr := fly(t, func(context.Context, int) error { return status.Error(codes.InvalidArgument, "no such thing") })
	p := be(t, addr, "-id", "h", "-interval", "50ms")
	p.mustEnd(t)
	require.ErrorContains(t, p.stop(), "h is refused")
	require.ErrorContains(t, p.stop(), "no such thing")
}

// An advised interval of nearly nothing is not obeyed: it would be a busy loop.
func TestAnIntervalOfNothingIsNotObeyed(t *testing.T) {
	d, addr := fly(t, func(ctx context.Context, n int) error {
		if n%2 == 0 {
			return status.Error(codes.Unavailable, "not now")
		}
		return grpc.SetHeader(ctx, wire.Ack{Interval: time.Nanosecond}.Metadata())
	})
	be(t, addr, "-interval", "50ms", "-peers", "0")
	eventually(t, "announces", func() bool { n, _ := d.counts(); return n >= 9 })
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Greater(t, d.announces[8].Sub(d.announces[0]), 20*time.Millisecond)
}

// Without a scheduler many hosts log one failure, not one each.
func TestSaysThatNobodyIsThere(t *testing.T) {
	t.Parallel()
	p := be(t, "127.0.0.1:1", "-hosts", "100", "-interval", "100ms")
	eventually(t, "says so", func() bool { return p.log.lines() > 0 })
	require.ErrorContains(t, p.stop(), "could not leave")
	require.Less(t, p.log.lines(), 10)
}

// A scheduler that does not answer does not delay the end of the peers: not with the announces
// that are under way, and not with as many leaves as there are.
func TestEndsBesideAFrozenScheduler(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	p := be(t, ln.Addr().String(), "-hosts", "300", "-interval", "1h")
	conn, err := ln.Accept()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.ErrorContains(t, p.stop(), "within 3s")
}

func TestCommandLine(t *testing.T) {
	var out bytes.Buffer
	require.ErrorIs(t, peerd.Main(t.Context(), []string{"-help"}, &out, io.Discard), flag.ErrHelp)
	for _, want := range []string{"go run ./examples/peer -scheduler", "-hosts", "(default 30s)", "second signal"} {
		require.Contains(t, out.String(), want)
	}
	for _, args := range [][]string{
		{"-id", ""}, {"-scheduler", ""}, {"-scheduler", "a,"}, {"-scheduler", "a,b,a"}, {"-roam", "-all"},
		{"-interval", "1ms"}, {"-interval", "25h"}, {"-peers", "-1"}, {"-hosts", "0"}, {"-connections", "0"}, {"-log", "xml"}, {"-nonsense"},
	} {
		require.ErrorIs(t, peerd.Main(t.Context(), args, io.Discard, io.Discard), cli.ErrUsage, "%v", args)
	}
}
