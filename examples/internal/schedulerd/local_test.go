package schedulerd_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

// get asks the page at an address for its health, under whatever name.
func get(t *testing.T, addr, host string) (status int) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetDeadline(time.Now().Add(longWait)))
	_, err = fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// addr is where the page is served.
func (s *scheduler) addr() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.page(), "http://"), "/")
}

// On loopback a request under another name is refused.
func TestOnLoopbackThePageAnswersToItsOwnNamesOnly(t *testing.T) {
	addr := start(t, "-http", "127.0.0.1:0").addr()
	for _, host := range []string{addr, "127.0.0.1", "localhost", "LOCALHOST:8003", "127.1.2.3:1", "[::1]:8003", "[::1]"} {
		require.Equal(t, http.StatusOK, get(t, addr, host), host)
	}
	for _, host := range []string{
		"", ":", "rebound.example", "rebound.example:8003", "localhost.example", "127.0.0.1.example:80", "192.0.2.1", "[::2]:1",
	} {
		require.Equal(t, http.StatusMisdirectedRequest, get(t, addr, host), host)
	}
}

// On other addresses any name is allowed.
func TestElsewhereThePageAnswersToAnyName(t *testing.T) {
	answer := httptest.NewRecorder()
	schedulerd.OnlyAsLocal(&net.TCPAddr{IP: net.IPv4zero}, http.NotFoundHandler()).
		ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://scheduler.example/", nil))
	require.Equal(t, http.StatusNotFound, answer.Code)
}
