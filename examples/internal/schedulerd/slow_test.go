package schedulerd_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ofPage connects to the page, and writes.
func (s *scheduler) ofPage(text string) *net.TCPConn {
	s.t.Helper()
	addr := strings.TrimSuffix(strings.TrimPrefix(s.page(), "http://"), "/")
	c, err := net.Dial("tcp", addr)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(longWait)))
	_, err = io.WriteString(c, text)
	require.NoError(s.t, err)
	return c.(*net.TCPConn)
}

// A request that does not come, in whatever part of it, is cut off.
func TestASlowHTTPRequestIsCutOff(t *testing.T) {
	t.Parallel()
	s := start(t, "-http", "127.0.0.1:0", "-client-timeout", "300ms")
	conns := map[string]*net.TCPConn{}
	for _, path := range []string{"", "metrics", "healthz", "api/hosts", "events", "none"} {
		for _, request := range []string{
			"", "GET /%s HTTP/1.1\r\nHost: localhost\r\n", "GET /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
			"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx",
			"GET /%s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET /%s HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 9\r\n\r\n",
		} {
			if request != "" {
				request = fmt.Sprintf(request, path)
			}
			conns[request] = s.ofPage(request)
		}
	}
	for request, c := range conns {
		_, err := io.Copy(io.Discard, c)
		var timeout net.Error
		require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "%q", request)
		require.NoError(t, c.Close())
	}
}

// Answers that are not read are given up: a client that comes to read later gets some of them.
func TestUnreadHTTPAnswersAreCutOff(t *testing.T) {
	t.Parallel()
	s := start(t, "-http", "127.0.0.1:0", "-client-timeout", "300ms")
	for _, path := range []string{"metrics", "app.js"} {
		const requests = 3000
		request := "GET /" + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
		c := s.ofPage("")
		go func() { _, _ = io.WriteString(c, strings.Repeat(request, requests)) }()
		time.Sleep(1500 * time.Millisecond)
		text, _ := io.ReadAll(c) // in the end the connection is reset
		answers := bytes.Count(text, []byte("HTTP/1.1 200 OK"))
		require.Positive(t, answers)
		require.Less(t, answers, requests, path)
	}
}

// The timeouts are not those of a stream that is read.
func TestAStreamOfEventsOutlastsTheTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, "-http", "127.0.0.1:0", "-client-timeout", "300ms")
	c := s.ofPage("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	updates, lines := 0, bufio.NewReader(answer.Body)
	for updates < 4 { // one a second
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if line == "event: update\n" {
			updates++
		}
	}
}
