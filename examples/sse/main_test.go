package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/hostmgr"
)

// A pipes is a listener whose connections are pipes within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// dial connects a client. What is sent arrives when it is read.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

const ping = 15 * time.Second

// serving runs a script with a server in a bubble. stop ends it and waits.
func serving(t *testing.T, play func(t *testing.T, s *server, p *pipes, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := newServer(ping, io.Discard)
		require.NoError(t, err)
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.hosts.Run(ctx) })
		running.Go(func() { _ = cli.Serve(ctx, p, s.handler()) })
		stop := func() {
			cancel()
			running.Wait()
		}
		play(t, s, p, stop)
		stop()
	})
}

// open opens a session, and reads up to the first event.
func open(t *testing.T, p *pipes) (net.Conn, *bufio.Scanner) {
	t.Helper()
	c := p.dial()
	_, err := io.WriteString(c, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if lines.Text() == ": welcome" {
			return c, lines
		}
	}
	t.Fatal("no welcome")
	return nil, nil
}

// read counts the events of a session, until it ends.
func read(lines *bufio.Scanner) (events int) {
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			events++
		}
	}
	return events
}

// Sessions are real, and one in ten stops to read. These are evicted and closed.
func TestSessionsThatStopToRead(t *testing.T) {
	serving(t, func(t *testing.T, s *server, p *pipes, stop func()) {
		var reading sync.WaitGroup
		events := make([]int, 270)
		for i := range events {
			_, lines := open(t, p)
			reading.Go(func() { events[i] = read(lines) })
		}
		var hanging []*bufio.Scanner
		for range 30 {
			_, lines := open(t, p)
			hanging = append(hanging, lines)
		}
		require.Equal(t, 300, s.hosts.Len())
		time.Sleep(2*ping + time.Second)
		synctest.Wait()
		require.Equal(t, 270, s.hosts.Len())
		for _, lines := range hanging {
			require.Zero(t, read(lines), "it is closed")
		}
		time.Sleep(10 * time.Minute)
		require.Equal(t, 270, s.hosts.Len(), "the others stay")
		for range 3 {
			c := p.dial()
			_, err := io.WriteString(c, "POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nline\n")
			require.NoError(t, err)
			answer, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Contains(t, string(answer), "200 OK")
		}
		synctest.Wait()
		stop()
		reading.Wait()
		for _, n := range events {
			require.Equal(t, 3, n)
		}
		require.Zero(t, s.hosts.Len(), "each session has left")
		require.Zero(t, s.hosts.Stats().Cleanup.Pending)
	})
}

func TestClientThatGoes(t *testing.T) {
	serving(t, func(t *testing.T, s *server, p *pipes, _ func()) {
		c, _ := open(t, p)
		require.Equal(t, 1, s.hosts.Len())
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Zero(t, s.hosts.Len())
		require.EqualValues(t, 1, s.hosts.Stats().Departures.Left)
	})
}

// A taker is a client without a connection, which takes all or hangs.
type taker struct {
	hangs  bool
	header http.Header
	once   sync.Once
	ended  chan struct{} // the deadline of a write has passed
}

func (w *taker) Header() http.Header             { return w.header }
func (w *taker) WriteHeader(int)                 {}
func (w *taker) Flush()                          {}
func (w *taker) SetReadDeadline(time.Time) error { return nil }

func (w *taker) SetWriteDeadline(time.Time) error {
	w.once.Do(func() { close(w.ended) })
	return nil
}

func (w *taker) Write(b []byte) (int, error) {
	if !w.hangs {
		return len(b), nil
	}
	<-w.ended
	return 0, io.ErrClosedPipe
}

// Of 50,000 sessions a thousand are served, a hundred of which hang. The others are only registered: all
// fall silent at once, and each is ended once.
func TestFiftyThousandSessions(t *testing.T) {
	serving(t, func(t *testing.T, s *server, _ *pipes, _ func()) {
		const sessions, served, hang = 50_000, 1_000, 100
		ctx, cancel := context.WithCancel(t.Context())
		var streams sync.WaitGroup
		for i := range served {
			w := &taker{hangs: i < hang, header: http.Header{}, ended: make(chan struct{})}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/events", http.NoBody)
			require.NoError(t, err)
			streams.Go(func() { s.stream(w, r) })
		}
		var ended [sessions - served]atomic.Int32
		for i := range ended {
			me := &session{end: func() { ended[i].Add(1) }}
			_, err := s.hosts.Announce(hostmgr.Announcement[*session]{ID: fmt.Sprint(i), Metadata: me, Interval: ping})
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, sessions, s.hosts.Len())
		time.Sleep(3 * ping)
		synctest.Wait()
		require.Equal(t, served-hang, s.hosts.Len())
		require.EqualValues(t, sessions-served+hang, s.hosts.Stats().Departures.Evicted)
		for i := range ended {
			require.EqualValues(t, 1, ended[i].Load())
		}
		cancel()
		streams.Wait()
		require.Zero(t, s.hosts.Len())
	})
}

func TestCommand(t *testing.T) {
	p := clitest.Start(t, run, "-addr", "127.0.0.1:0", "-ping", "20ms")
	url := "http" + p.After("listening on http")
	response, err := http.Get(url + "/events")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != ": ping" {
	}
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/events", strings.NewReader("x"))
	require.NoError(t, err)
	foreign.Header.Set("Origin", "https://elsewhere.example")
	refused, err := http.DefaultClient.Do(foreign)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, http.StatusForbidden, refused.StatusCode)

	posted, err := http.Post(url+"/events", "text/plain", strings.NewReader("two\nlines"))
	require.NoError(t, err)
	require.NoError(t, posted.Body.Close())
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	require.Equal(t, `data: "two\nlines"`, lines.Text())
	require.NoError(t, p.Interrupt())
	require.Contains(t, p.After("session "), "it left")
}
