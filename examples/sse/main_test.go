package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"strings"
	"sync"
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

const ping = hostmgr.DefaultInterval

type registry = hostmgr.Registry[chan string]

// serving runs a script with a server in a bubble. stop ends it and waits.
func serving(t *testing.T, play func(t *testing.T, hosts *registry, p *pipes, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		hosts, err := hostmgr.New(hostmgr.Config[chan string]{Cleanup: cleanup})
		require.NoError(t, err)
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = hosts.Run(ctx) })
		running.Go(func() { _ = cli.Serve(ctx, p, handler(hosts)) })
		stop := func() {
			cancel()
			running.Wait()
			synctest.Wait() // for the leaves of sessions that ended by a failed write
		}
		play(t, hosts, p, stop)
		stop()
	})
}

func handler(hosts *registry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			publish(r, hosts)
		} else {
			stream(w, r, hosts)
		}
	})
}

// open opens a session, and reads up to the first event.
func open(t *testing.T, p *pipes) (net.Conn, *bufio.Scanner) {
	t.Helper()
	c := p.dial()
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
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
	serving(t, func(t *testing.T, hosts *registry, p *pipes, stop func()) {
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
		require.Equal(t, 300, hosts.Len())
		time.Sleep(2*ping + time.Second)
		synctest.Wait()
		require.Equal(t, 270, hosts.Len(), "the silent ones are evicted")
		require.EqualValues(t, 30, hosts.Stats().Departures.Evicted)
		time.Sleep(2 * ping)
		for _, lines := range hanging {
			require.Zero(t, read(lines), "it is closed")
		}
		time.Sleep(10 * time.Minute)
		require.Equal(t, 270, hosts.Len(), "the others stay")
		for range 3 {
			c := p.dial()
			_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntext=line")
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
		require.Zero(t, hosts.Len(), "each session has left")
		require.Zero(t, hosts.Stats().Cleanup.Pending)
	})
}

func TestClientThatGoes(t *testing.T) {
	serving(t, func(t *testing.T, hosts *registry, p *pipes, _ func()) {
		c, _ := open(t, p)
		require.Equal(t, 1, hosts.Len())
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Zero(t, hosts.Len())
		require.EqualValues(t, 1, hosts.Stats().Departures.Left)
	})
}

// A taker is a client without a connection, which takes all or hangs.
type taker struct {
	hangs    bool
	header   http.Header
	deadline time.Time // of writes
}

func (w *taker) Header() http.Header             { return w.header }
func (w *taker) WriteHeader(int)                 {}
func (w *taker) Flush()                          {}
func (w *taker) SetReadDeadline(time.Time) error { return nil }

func (w *taker) SetWriteDeadline(deadline time.Time) error {
	w.deadline = deadline
	return nil
}

func (w *taker) Write(b []byte) (int, error) {
	if !w.hangs {
		return len(b), nil
	}
	time.Sleep(time.Until(w.deadline))
	return 0, os.ErrDeadlineExceeded
}

// Of 50,000 sessions a thousand are served, a hundred of which hang. The others are only
// registered: all fall silent at once, and the channel of each is closed.
func TestFiftyThousandSessions(t *testing.T) {
	serving(t, func(t *testing.T, hosts *registry, _ *pipes, _ func()) {
		const sessions, served, hang = 50_000, 1_000, 100
		ctx, cancel := context.WithCancel(t.Context())
		var streams sync.WaitGroup
		for i := range served {
			w := &taker{hangs: i < hang, header: http.Header{}}
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
			require.NoError(t, err)
			streams.Go(func() { stream(w, r, hosts) })
		}
		silent := make([]chan string, sessions-served)
		for i := range silent {
			silent[i] = make(chan string)
			_, err := hosts.Announce(hostmgr.Announcement[chan string]{ID: fmt.Sprint(i), Metadata: silent[i]})
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, sessions, hosts.Len())
		time.Sleep(2*ping + time.Second)
		synctest.Wait()
		require.Equal(t, served-hang, hosts.Len())
		require.EqualValues(t, sessions-served+hang, hosts.Stats().Departures.Evicted)
		for _, events := range silent {
			_, open := <-events
			require.False(t, open)
		}
		cancel()
		streams.Wait()
		synctest.Wait()
		require.Zero(t, hosts.Len())
	})
}

// Events are published while sessions end. A send to a channel that the cleanup has closed would
// panic.
func TestPublishWhileSessionsEnd(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[chan string]{Cleanup: cleanup})
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?text=x", http.NoBody)
	ctx, stop := context.WithCancel(t.Context())
	var publishers sync.WaitGroup
	for range 2 {
		r := r.Clone(ctx)
		publishers.Go(func() {
			for ctx.Err() == nil {
				publish(r, hosts)
			}
		})
	}
	for i := range 5000 {
		id := fmt.Sprint(i)
		_, err := hosts.Announce(hostmgr.Announcement[chan string]{ID: id, Metadata: make(chan string, 16)})
		require.NoError(t, err)
		require.NoError(t, hosts.Leave(ctx, id, 0))
	}
	stop()
	publishers.Wait()
}

func TestCommand(t *testing.T) {
	p := clitest.Start(t, run, "-addr", "127.0.0.1:0")
	url := "http" + p.After("listening on http")
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != ": welcome" {
	}
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	require.NoError(t, err)
	foreign.Header.Set("Origin", "https://elsewhere.example")
	refused, err := http.DefaultClient.Do(foreign)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, http.StatusForbidden, refused.StatusCode)

	posted, err := http.PostForm(url, neturl.Values{"text": {"two\nlines"}})
	require.NoError(t, err)
	require.NoError(t, posted.Body.Close())
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	require.Equal(t, `data: "two\nlines"`, lines.Text())
	require.NoError(t, p.Interrupt())
	p.After("end: hosts registered: 0, departed: 1, cleanups pending: 0")
}
