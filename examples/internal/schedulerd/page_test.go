package schedulerd_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

// page is the address of the page, with a slash at its end.
func (s *scheduler) page() string {
	s.t.Helper()
	var url string
	require.Eventually(s.t, func() (ok bool) {
		url, ok = strings.CutPrefix(strings.TrimSpace(s.out.String()), "page on ")
		return ok
	}, longWait, time.Millisecond)
	return url
}

func ask(t *testing.T, method, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func TestPageMetricsAndHealth(t *testing.T) {
	s := start(t, "-http", "127.0.0.1:0")
	s.mustAnnounce(t.Context(), "a", time.Minute)
	s.mustAnnounce(t.Context(), "b", time.Minute)
	require.NoError(t, s.leave(t.Context(), "b"))
	url := s.page()
	require.True(t, strings.HasPrefix(url, "http://127.0.0.1:"), url)

	status, body := ask(t, http.MethodGet, url+"metrics")
	require.Equal(t, http.StatusOK, status)
	for _, line := range []string{
		`hostlife_departures_all_zones_total{kind="left",registry="hosts"} 1`,
		`hostlife_cleanup_seconds_count{kind="left",registry="hosts"} 1`,
		"go_goroutines ",
	} {
		require.Contains(t, body, "\n"+line)
	}
	require.NotContains(t, body, `"a"`, "no host has a metric of its own")

	status, body = ask(t, http.MethodGet, url+"healthz")
	require.Equal(t, [2]any{http.StatusOK, "ok\n"}, [2]any{status, body})

	status, body = ask(t, http.MethodGet, url+"api/hosts")
	require.Equal(t, http.StatusOK, status)
	var hosts struct{ Hosts []struct{ ID, About string } }
	require.NoError(t, json.Unmarshal([]byte(body), &hosts), body)
	require.Len(t, hosts.Hosts, 1)
	require.Equal(t, "a", hosts.Hosts[0].ID)
	require.Equal(t, "name-of-a 192.0.2.1:4000", hosts.Hosts[0].About)

	for _, path := range []string{"", "metrics", "healthz", "api/hosts"} {
		status, _ = ask(t, http.MethodPost, url+path)
		require.Equal(t, http.StatusMethodNotAllowed, status, path)
	}
}

// While calls in flight may finish, it is not healthy any more.
func TestHealthWhileItStops(t *testing.T) {
	t.Parallel()
	s := start(t, "-http", "127.0.0.1:0")
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	stream, err := s.v2.AnnouncePeer(ctx)
	require.NoError(t, err)
	s.mustAnnounce(t.Context(), "a", time.Minute)
	require.NoError(t, stream.Send(registration("a", "task", "peer")))
	_, err = stream.Recv()
	require.NoError(t, err)
	url := s.page()
	s.stop()
	require.Eventually(t, func() bool {
		status, body := ask(t, http.MethodGet, url+"healthz")
		return status == http.StatusServiceUnavailable && body == "not serving\n"
	}, longWait, time.Millisecond)
}

// Viewers do not keep the scheduler from stopping.
func TestAStreamOfEventsEndsWithTheScheduler(t *testing.T) {
	s := start(t, "-http", "127.0.0.1:0")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(s.page() + "events")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	_, err = resp.Body.Read(make([]byte, 1))
	require.NoError(t, err)
	s.stop()
	_, _ = io.Copy(io.Discard, resp.Body)
	_, err = http.Get(s.page() + "healthz")
	require.Error(t, err)
}

func TestAnAddressThatIsTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	err = schedulerd.Main(context.Background(), []string{"-listen", "127.0.0.1:0", "-http", ln.Addr().String()}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "address already in use")
}

// Each line about a host has its id, and why it is written.
func TestLogsGiveReasons(t *testing.T) {
	t.Parallel()
	s := start(t, "-v", "-log", "json", "-multiple", "12") // suspect for longer than a gap that is no stall
	s.mustAnnounce(t.Context(), "leaver", time.Minute)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "leaver") }, longWait, time.Millisecond)
	require.NoError(t, s.leave(t.Context(), "leaver"))
	s.mustAnnounce(t.Context(), "mute", 100*time.Millisecond)
	reasons := map[string]string{}
	require.Eventually(t, func() bool {
		for line := range strings.Lines(s.log.String()) {
			var l struct{ Msg, Host, Kind, Reason string }
			require.NoError(t, json.Unmarshal([]byte(line), &l), line)
			if l.Host != "" {
				require.NotEmpty(t, l.Reason, line)
				reasons[l.Msg+" "+l.Kind+" "+l.Host] = l.Reason
			}
		}
		return reasons["departed evicted mute"] != "" && reasons["suspected  mute"] != ""
	}, longWait, 10*time.Millisecond)
	require.Equal(t, "it announced itself", reasons["joined  leaver"])
	require.Equal(t, "it left", reasons["departed left leaver"])
	require.Contains(t, reasons["suspected  mute"], "silent since ")
	require.Regexp(t, `^silent for \S+, timeout 1.2s at an interval of 100ms`, reasons["departed evicted mute"])
}
