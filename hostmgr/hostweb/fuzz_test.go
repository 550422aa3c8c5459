package hostweb_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// FuzzHandler sends arbitrary requests. No answer panics, has an undocumented status, or is not JSON
// under api/.
func FuzzHandler(f *testing.F) {
	for _, path := range []string{"", "/", "/events", "/api/stats", "/api/hosts", "/api/departures", "/api/history", "/api/host", "/actions/evict", "/app.js", "/api/nothing", "//x\xff"} {
		f.Add("GET", path, "", "/x")
		f.Add("HEAD", path, "search=%ff&state=held&zone=a&sort=evict&order=desc&page=2&size=200", "/x?y")
		f.Add("POST", path, "page=-1&page=2;%zz", "javascript:alert(1)")
	}
	f.Add("GET", "/api/hosts", "size=1&page=10000&sort=joined&search=0", "")
	f.Add("GET", "/api/hosts", "state=alive,held,late&search=DATA", "")
	f.Add("GET", "/api/host", "id=host-7", "")
	f.Add("GET", "/", "host=host-7&utm_source=x&state=suspect,", "")
	f.Add("GET", "/api/departures", "kind=evicted&format=json&search=A", "")
	s := newSite(f, hostmgr.Config[string]{})
	populate(s, 100)
	f.Fuzz(func(t *testing.T, method, path, query, uri string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if strings.TrimPrefix(path, "/") == "events" {
			cancel() // a stream ends by itself only so
		}
		r := (&http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, RequestURI: uri, Header: http.Header{}}).WithContext(ctx)
		w := httptest.NewRecorder()
		s.web.ServeHTTP(w, r)
		require.Contains(t, []int{200, 307, 400, 404, 405}, w.Code)
		require.Equal(t, policy, w.Header().Get("Content-Security-Policy"))
		export := strings.Contains(query, "format")
		if w.Code >= 400 || strings.HasPrefix(path, "/api/") && method != http.MethodHead && !export {
			require.True(t, method == http.MethodHead || json.Valid(w.Body.Bytes()), "%q", w.Body)
		}
		if to := w.Header().Get("Location"); to != "" {
			u, err := url.Parse(to)
			require.True(t, err != nil || u.Scheme == "" && u.Host == "", "it leads elsewhere: %q", to)
		}
	})
}

// FuzzActions posts arbitrary forms, without the cookie of a page. No form does anything.
func FuzzActions(f *testing.F) {
	s := newSite(f, hostmgr.Config[string]{})
	s.web.Actions, s.web.Logger = true, slog.New(slog.DiscardHandler)
	populate(s, 100)
	f.Add("/actions/evict", "id=host-7&registration=1&reason=x&token=x", "application/x-www-form-urlencoded", "hostlife_form=x")
	f.Add("/actions/forget", "--b\r\n", "multipart/form-data; boundary=b", "hostlife_form=")
	f.Fuzz(func(t *testing.T, path, body, kind, cookie string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = path
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		s.web.ServeHTTP(w, r)
		require.Contains(t, []int{400, 403, 404, 405}, w.Code)
		require.True(t, json.Valid(w.Body.Bytes()))
		require.Equal(t, 100, s.Len())
	})
}
