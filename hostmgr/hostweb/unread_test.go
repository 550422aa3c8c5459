package hostweb_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// serve serves until the test ends, with a server that sets no deadlines.
func serve(t *testing.T, h http.Handler) (addr string) {
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// dial connects and sends a request. Reads fail after a while.
func dial(t *testing.T, addr, request string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetReadDeadline(time.Now().Add(longWait)))
	_, err = io.WriteString(c, request)
	require.NoError(t, err)
	return c.(*net.TCPConn)
}

// viewers returns the number of viewers.
func viewers(t *testing.T, h http.Handler) int {
	t.Helper()
	return read[statsAnswer](t, h, "/api/stats").Viewers
}

const (
	stream   = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"
	longWait = 10 * time.Second // for what must happen
)

// The kernel buffers what is written to a client that does not read, for a long time. Such a client does not
// keep other viewers out, nor the source running, with default or with small buffers.
func TestThoseThatDoNotReadKeepNobodyOut(t *testing.T) {
	for _, buffer := range []int{0, 4096} {
		t.Run(fmt.Sprint("buffer ", buffer), func(t *testing.T) {
			s := newSite(t, hostmgr.Config[string]{})
			addr := serve(t, s.web)
			for range 64 {
				c := dial(t, addr, stream)
				if buffer > 0 {
					require.NoError(t, c.SetReadBuffer(buffer))
				}
			}
			require.Eventually(t, func() bool { return viewers(t, s.web) == 64 }, longWait, time.Millisecond)
			require.Equal(t, http.StatusServiceUnavailable, s.get("/events").Code, "they have come just now")

			s.clock.Advance(10 * second)
			for range 3 {
				c := dial(t, addr, stream)
				answer, err := http.ReadResponse(bufio.NewReader(c), nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, answer.StatusCode)
			}
			require.Equal(t, 64, viewers(t, s.web))

			require.Eventually(t, func() bool {
				s.clock.Advance(10 * second)
				return viewers(t, s.web) == 0
			}, longWait/2, 10*time.Millisecond, "the streams end, and nothing runs without a reader")
		})
	}
}

// A stream says that it ends, so that the page opens another one.
func TestAStreamDoesNotLastForEver(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, _ *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		begun := time.Now()
		v := view(t, h)
		defer v.close()
		for line := ""; line != "event: again\n"; {
			var err error
			line, err = v.body.ReadString('\n')
			require.NoError(t, err)
		}
		_, err := v.body.Discard(len("data: {}\n\n"))
		require.NoError(t, err)
		<-v.done
		require.InDelta(t, 120, time.Since(begun).Seconds(), 2)
	})
}

// Only the oldest viewer is replaced.
func TestTheOldestViewerGivesWay(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, _ *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		var all []*viewer
		for range 64 {
			v := view(t, h)
			v.next()
			all = append(all, v)
			time.Sleep(second / 2)
		}
		fresh := view(t, h)
		all = append(all, fresh)
		require.True(t, fresh.next().All)
		synctest.Wait()
		for i, v := range all[1:] {
			v.next()
			require.Equal(t, http.StatusOK, v.code, i)
		}
		require.Equal(t, 64, viewers(t, h))
		_ = all[0].pipe.Close() // its write is under way: what it reads ends then
		<-all[0].done
		require.Equal(t, 64, viewers(t, h), "it is not counted out twice")
		for _, v := range all {
			v.close()
		}
		require.Zero(t, viewers(t, h))
	})
}

// A request that announces a body and does not send it is answered, and occupies no slot.
func TestABodyThatNeverComes(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.web.Clock = nil // a stream ends soon after its connection
	addr := serve(t, s.web)
	for _, header := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
		for method, want := range map[string]int{"GET": http.StatusBadRequest, "POST": http.StatusMethodNotAllowed} {
			for _, path := range []string{"/events", "/api/stats", "/"} {
				c := dial(t, addr, method+" "+path+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n")
				answer, err := http.ReadResponse(bufio.NewReader(c), nil)
				require.NoError(t, err, "%s %s %s", method, path, header)
				require.Equal(t, want, answer.StatusCode)
				require.True(t, answer.Close)
				require.NoError(t, c.Close())
			}
		}
	}
	require.Zero(t, viewers(t, s.web))
}

// A client must read an answer in time, whether the embedder's server demands that or not.
func TestAnswersHaveADeadline(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, _ *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		for _, target := range []string{"/", "/api/stats", "/api/hosts", "/api/departures", "/api/history", "/app.js", "/none"} {
			v := request(t, h, target)
			expires := v.expires
			v.close()
			require.WithinRange(t, expires, time.Now(), time.Now().Add(time.Minute), target)
		}
	})
}

// The unread answers of all clients together are bounded.
func TestUnreadAnswersAreBoundedTogether(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		for i := range 200 {
			join(t, r, fmt.Sprint(i)+strings.Repeat("\x01", 1000)) // six bytes each, in JSON
		}
		var all []*viewer
		for range 100 {
			all = append(all, request(t, h, "/api/hosts?size=200"))
		}
		refused := 0
		for _, v := range all {
			v.close()
			if v.code == http.StatusServiceUnavailable {
				refused++
				require.Equal(t, "10", v.header.Get("Retry-After"))
			}
		}
		require.Greater(t, refused, 20, "of 100 answers of 1.2 MB")
		require.Less(t, refused, 80)
		require.Len(t, read[hostsAnswer](t, h, "/api/hosts?size=200").Hosts, 200)
	})
}

// A server's timeouts do not end the stream of a client that reads.
func TestTimeoutsDoNotEndAStream(t *testing.T) {
	t.Parallel()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(&hostweb.Handler[string]{Registry: r})
	server.Config.ReadTimeout = time.Second
	server.Config.WriteTimeout = time.Second
	server.Start()
	defer server.Close()
	c := dial(t, server.Listener.Addr().String(), stream)
	defer func() { _ = c.Close() }()
	lines := bufio.NewReader(c)
	for updates := 0; updates < 4; { // one a second
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if line == "event: update\n" {
			updates++
		}
	}
}
