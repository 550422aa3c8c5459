package peerd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hostlife/hostlife/examples/internal/wire"
)

// Each announce says the interval that is used now: that of the last answer, or our own
// if it told none that can be meant. An answer that did not come changes nothing. On a busy machine
// that may be any answer, so all are given again until each has come once.
func TestSaysTheIntervalThatItUses(t *testing.T) {
	const own = 40 * time.Millisecond
	answers := []struct {
		header string
		uses   time.Duration
	}{
		{"20ms", 20 * time.Millisecond},
		{"", own}, // a Dragonfly scheduler
		{"60ms", 60 * time.Millisecond},
		{"soon", own},
		{"10ms", 10 * time.Millisecond}, // the least
		{"9.999ms", own},
		{"15ms", 15 * time.Millisecond},
		{"24h0m0.1s", own},
		{"25ms", 25 * time.Millisecond},
		{"-1s", own},
		{"30ms", 30 * time.Millisecond},
		{"refused", 30 * time.Millisecond},
		{"50ms", 50 * time.Millisecond},
	}
	d, addr := fly(t, func(ctx context.Context, n int) error {
		switch header := answers[(n-1)%len(answers)].header; header {
		case "":
			return nil
		case "refused":
			return status.Error(codes.Unavailable, "not now")
		default:
			return grpc.SetHeader(ctx, metadata.Pairs(wire.IntervalKey, header))
		}
	})
	be(t, addr, "-interval", own.String(), "-peers", "0")
	eventually(t, "each answer comes", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		came := map[int]bool{}
		for i := range len(d.said) - 1 {
			if d.said[i+1] == answers[i%len(answers)].uses {
				came[i%len(answers)] = true
			}
		}
		return len(came) == len(answers)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Equal(t, own, d.said[0])
	for i := range len(d.said) - 1 {
		a := answers[i%len(answers)]
		require.Contains(t, []time.Duration{a.uses, d.said[i]}, d.said[i+1], "after %q", a.header)
	}
}

// A conductor is a scheduler with a pacing, and what it says of itself.
type conductor struct {
	t       *testing.T
	addr    string
	page    string
	browser *http.Client
}

type stats struct {
	Hosts                 int
	RejoinedAfterEviction int     // of hosts that had been alive
	AdvisedInterval       float64 // seconds
}

func conduct(t *testing.T, args ...string) conductor {
	t.Helper()
	lines, _ := launch(t, append([]string{"-listen", "127.0.0.1:0", "-http", "127.0.0.1:0"}, args...)...)
	c := conductor{t, after(t, "listening on ", lines), after(t, "page on ", lines), &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(c.browser.CloseIdleConnections)
	return c
}

// advises waits until hosts are advised so many seconds, or a tenth more.
func (c conductor) advises(seconds float64) {
	c.t.Helper()
	eventually(c.t, "advises", func() bool {
		s := c.stats()
		return seconds <= s.AdvisedInterval && s.AdvisedInterval <= 1.1*seconds
	})
}

func (c conductor) stats() (s stats) {
	if resp, err := c.browser.Get(c.page + "api/stats"); err == nil {
		defer func() { _ = resp.Body.Close() }()
		_ = json.NewDecoder(resp.Body).Decode(&s)
	}
	return s
}

// Hosts whose own interval is short keep all together to the rate that the scheduler
// asks for, and none is evicted, as more come and as they go again.
func TestHostsKeepToThePacing(t *testing.T) {
	c := conduct(t, "-pacing", "250ms/2s/60", "-multiple", "8") // a busy machine has room
	many := func(id string) *peer {
		return be(t, c.addr, "-id", id, "-hosts", "30", "-interval", "125ms", "-peers", "0", "-v")
	}
	p := many("a")
	c.advises(0.5)
	q := many("b")
	c.advises(1)
	require.NoError(t, q.stop())
	c.advises(0.5) // but for one that left while an announce of it was lost, and came later

	rate := 240.0 // a second, if they did as they liked. After a delay of this machine they catch up.
	for n := 0; n < 4 && rate >= 1.5*60; n++ {
		const announces = 150
		begun, before := time.Now(), p.log.lines()
		eventually(t, "go on", func() bool { return p.log.lines()-before >= announces })
		rate = announces / time.Since(begun).Seconds()
	}
	require.Less(t, rate, 1.5*60)
	s := c.stats()
	require.Zero(t, s.RejoinedAfterEviction)
	require.GreaterOrEqual(t, s.Hosts, 30)
	require.NoError(t, p.stop())
}

// A scheduler that advised a short interval goes away, something that does not answer takes its
// place, and it comes back: its hosts are there again long before their own interval
// would have them try.
func TestComesBackWithinTheIntervalItIsTold(t *testing.T) {
	t.Parallel()
	const pacing = "100ms/200ms/1000"
	addr, stop := schedule(t, "127.0.0.1:0", "-pacing", pacing)
	c := dial(t, addr)
	be(t, addr, "-id", "h", "-interval", "1h")
	eventually(t, "joins", func() bool { return registered(c, "h", 3) })
	stop()
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, ln.(*net.TCPListener).SetDeadline(time.Now().Add(longWait)))
	conn, err := ln.Accept()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = bufio.NewReader(conn).ReadByte()
	require.NoError(t, err, "it speaks")
	require.NoError(t, ln.Close())
	schedule(t, addr, "-pacing", pacing)
	eventually(t, "joins again", func() bool { return registered(c, "h", 3) })
}

// However many hosts of a process try to come back within less than their own interval,
// they make no more connections for that than gRPC does.
func TestHostsComeBackOnOneConnection(t *testing.T) {
	t.Parallel()
	const hosts = 50
	addr, stop := schedule(t, "127.0.0.1:0", "-pacing", "100ms/200ms/1000", "-multiple", "50")
	c := dial(t, addr)
	p := be(t, addr, "-hosts", fmt.Sprint(hosts), "-interval", "2s", "-peers", "0", "-v")
	eventually(t, "join", func() bool { return len(list(c)) == hosts })
	stop()
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	var conns atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept() // and it says nothing
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			conns.Add(1)
		}
	})
	eventually(t, "tries", func() bool { return conns.Load() > 0 })
	const failures = 6 * hosts
	before := p.log.lines()
	eventually(t, "fail", func() bool { return p.log.lines()-before >= failures })
	require.Less(t, conns.Load(), int64(failures/4))
	require.NoError(t, ln.Close())
	wg.Wait()
}
