package hostweb_test

import (
	"context"
	"encoding/json"
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
	for _, path := range []string{"", "/", "/events", "/api/stats", "/api/hosts", "/api/departures", "/api/history", "/app.js", "/api/nothing", "//x\xff"} {
		f.Add("GET", path, "", "/x")
		f.Add("HEAD", path, "search=%ff&state=held&zone=a&sort=evict&order=desc&page=2&size=200", "/x?y")
		f.Add("POST", path, "page=-1&page=2;%zz", "javascript:alert(1)")
	}
	f.Add("GET", "/api/hosts", "size=1&page=10000&sort=joined&search=0", "")
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
		if w.Code >= 400 || strings.HasPrefix(path, "/api/") && method != http.MethodHead {
			require.True(t, method == http.MethodHead || json.Valid(w.Body.Bytes()), "%q", w.Body)
		}
		if to := w.Header().Get("Location"); to != "" {
			u, err := url.Parse(to)
			require.True(t, err != nil || u.Scheme == "" && u.Host == "", "it leads elsewhere: %q", to)
		}
	})
}
