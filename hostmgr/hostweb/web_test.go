package hostweb_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func TestHeaders(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for target, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
		"/stream.js": "text/javascript; charset=utf-8", "/api/host?id=a": "application/json",
		"/api/departures?format=csv": "text/csv; charset=utf-8", "/api/departures?format=text": "text/plain; charset=utf-8",
		"/chart.js": "text/javascript; charset=utf-8", "/table.js": "text/javascript; charset=utf-8",
		"/format.js": "text/javascript; charset=utf-8", "/api/stats": "application/json", "/api/hosts": "application/json",
		"/api/departures": "application/json", "/api/history": "application/json", "/nothing": "application/json",
		"/api/hosts?page=0": "application/json",
	} {
		w := s.get(target)
		require.Equal(t, kind, w.Header().Get("Content-Type"), target)
		require.Equal(t, policy, w.Header().Get("Content-Security-Policy"), target)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
}

func TestMethods(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for _, target := range []string{"/", "/app.js", "/events", "/api/stats", "/api/hosts", "/api/departures", "/api/history"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
			w := do(s.web, method, target)
			require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, target)
			require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
		}
		w := do(s.web, http.MethodHead, target)
		require.Equal(t, http.StatusOK, w.Code)
		require.Empty(t, w.Body)
		require.NotEmpty(t, w.Header().Get("Content-Type"))
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for _, target := range []string{"/index.html", "/static/app.js", "/page.html", "/api", "/api/", "/api/stats/", "/events/", "//", "/../page.css", "/api/hosts/1"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = target
		w := httptest.NewRecorder()
		s.web.ServeHTTP(w, r)
		require.Equal(t, http.StatusNotFound, w.Code, target)
		require.JSONEq(t, `{"error": "there is nothing at this path"}`, w.Body.String())
	}
}

func TestBadParameters(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	long := strings.Repeat("x", 1025)
	for query, want := range map[string]string{
		"page=0":                     "page is not a number from 1 to 100000",
		"page=-1":                    "page is not a number from 1 to 100000",
		"page=1e3":                   "page is not a number from 1 to 100000",
		"page=99999999999999999999":  "page is not a number from 1 to 100000",
		"page=2001":                  "page 2001 of 50 hosts each is too deep: pages cover only the first 100000 hosts",
		"size=201":                   "size is not a number from 1 to 200",
		"size=0":                     "size is not a number from 1 to 200",
		"state=dead":                 "state is not one of alive, late, suspect, offline, held",
		"sort=name":                  "sort is not one of id, zone, state, contact, evict, joined",
		"order=up":                   "order is not one of asc, desc",
		"search=" + long:             "search has 1025 bytes, at most 1024 are allowed",
		"zone=" + long:               "zone has 1025 bytes, at most 1024 are allowed",
		"sort=id&sort=id":            `"sort" is given more than once`,
		"limit=5":                    `"limit" is not a parameter`,
		"search=%zz":                 `the query is malformed: invalid URL escape "%zz"`,
		"search=a;page=1":            "the query is malformed: invalid semicolon separator in query",
		strings.Repeat("a=b&", 1025): "the query is too long",
	} {
		for _, target := range []string{"/api/hosts?", "/?"} {
			w := s.get(target + query)
			require.Equal(t, http.StatusBadRequest, w.Code, query)
			var answer map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			require.Equal(t, map[string]string{"error": want}, answer)
			if query == "limit=5" {
				break // the page ignores it
			}
		}
	}
	require.Equal(t, http.StatusOK, s.get("/?limit=5&utm_source=chat&page=1").Code)
	require.Equal(t, http.StatusOK, s.get("/api/hosts?search=&state=&zone=&sort=&order=&page=&size=").Code)
}

func TestNilRegistry(t *testing.T) {
	var h hostweb.Handler[string]
	for _, target := range []string{"/", "/events", "/api/stats", "/api/hosts", "/api/history"} {
		w := do(&h, http.MethodGet, target)
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.JSONEq(t, `{"error": "hostweb: Handler.Registry is nil"}`, w.Body.String())
	}
}

func TestZeroHandlerWithARegistry(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	_, err = r.Announce(hostmgr.Announcement[string]{ID: "a"})
	require.NoError(t, err)
	w := do(&hostweb.Handler[string]{Registry: r}, http.MethodGet, "/")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "<title>hosts</title>")
	require.NotContains(t, w.Body.String(), "Metadata")
}

// Under a prefix the page finds its files by relative addresses. It redirects from an address
// without the trailing slash.
func TestPrefix(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for prefix, home := range map[string]string{"": "/", "/ops/hosts": "/ops/hosts/"} {
		h := http.StripPrefix(prefix, s.web)
		require.Equal(t, http.StatusOK, do(h, http.MethodGet, home).Code)
		require.Equal(t, http.StatusOK, do(h, http.MethodGet, home+"app.js").Code)
		require.Equal(t, http.StatusOK, do(h, http.MethodGet, home+"api/stats").Code)
	}
	require.Equal(t, http.StatusOK, do(http.StripPrefix("/ops/", s.web), http.MethodGet, "/ops/").Code)
	w := do(http.StripPrefix("/ops/hosts", s.web), http.MethodGet, "/ops/hosts?state=held")
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	require.Equal(t, "./hosts/?state=held", w.Header().Get("Location"))
}

// The page loads only our own files, which exist, and uses nothing that its policy blocks.
func TestPageKeepsItsPolicy(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("a", "z", second)
	body := s.get("/").Body.String()
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]*)[^"]*"`).FindAllStringSubmatch(body, -1) {
		if m[1] != "" && m[1] != "data:," {
			require.Equal(t, http.StatusOK, s.get("/"+m[1]).Code, m[1])
		}
	}
	require.NotRegexp(t, `(?i)\sstyle=|\son\w+=|<style|<script[^>]*>[^<]`, body)
	scripts, err := fs.Glob(os.DirFS("static"), "*.js")
	require.NoError(t, err)
	require.Len(t, scripts, 8)
	for _, name := range scripts {
		script := s.get("/" + name).Body.String()
		require.NotRegexp(t, `(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|setAttribute\('(style|on)|https?://[a-v]`, script)
		for _, m := range regexp.MustCompile(`from '\./([^']*)'`).FindAllStringSubmatch(script, -1) {
			require.Equal(t, http.StatusOK, s.get("/"+m[1]).Code, m[1])
		}
	}
}

func TestHostileNames(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	for _, id := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "'`{{.Title}}&amp;", "a\xff\xfe\x00b", "\u202eevil\u2028"} {
		s.join(id, id, second)
		w := s.get("/")
		require.Equal(t, http.StatusOK, w.Code)
		require.NotContains(t, w.Body.String(), "<script>alert")
		require.NotContains(t, w.Body.String(), "<img")
		s.clock.Advance(second)
		found := read[hostsAnswer](t, s.web, "/api/hosts?search="+url.QueryEscape(id))
		require.Equal(t, []string{strings.ToValidUTF8(strings.ReplaceAll(id, "\xff\xfe", "\ufffd\ufffd"), "\ufffd")}, names(found))
		require.NoError(t, s.Leave(t.Context(), id, 0))
	}
	require.Contains(t, func() string { s.join("<b>", "", second); s.clock.Advance(second); return s.get("/").Body.String() }(),
		`<tr data-id="&lt;b&gt;" data-state="alive">`)
}

func TestFirstPageNeedsNoScript(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}})
	populate(s, 60)
	s.clock.Advance(10 * second)
	s.Sweep(t.Context())
	body := s.get("/?size=10&page=2&sort=id&zone=a&search=host&state=offline").Body.String()
	require.Contains(t, body, `<dd><a id="count-hosts" href="?#table">60</a></dd>`)
	require.Contains(t, body, `<dd><a id="count-suspects" href="?state=suspect,offline#table">60</a></dd>`)
	require.Contains(t, body, `<dd><a id="count-held" href="?state=held#table">60</a></dd>`)
	require.Contains(t, body, `The eviction limit holds hosts of all zones: `)
	require.Contains(t, body, `data-sort="id" data-order="asc" data-page="2" data-size="10" data-about="true"`)
	require.Contains(t, body, `<input type="checkbox" value="offline" autocomplete="off" checked>`)
	require.Contains(t, body, `<option selected>a</option>`)
	rows := strings.Count(body, `data-state="offline"`)
	require.Len(t, read[hostsAnswer](t, s.web, "/api/hosts?size=10&page=2&sort=id&zone=a&search=host&state=offline").Hosts, rows)
	require.Positive(t, rows)
}

func TestDescribe(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("a", "", second)
	about := func(describe func(string) string) string {
		s.web.Describe = describe
		s.clock.Advance(second)
		return read[hostsAnswer](t, s.web, "/api/hosts").Hosts[0].About
	}
	require.Equal(t, "data of a", about(func(s string) string { return s }))
	require.Equal(t, "(Describe panicked)", about(func(string) string { panic("no") }))
	require.Empty(t, about(nil))
	long := about(func(string) string { return strings.Repeat("ä", 1000) })
	require.LessOrEqual(t, len(long), 256)
	require.True(t, strings.HasSuffix(long, "ä…") && utf8.ValidString(long))
	require.Equal(t, strings.Repeat("x", 256), about(func(string) string { return strings.Repeat("x", 256) }))
	// Describe may call the registry: no lock is held.
	require.Equal(t, "left", about(func(string) string {
		if s.Leave(t.Context(), "a", 0) != nil {
			return "not left"
		}
		return "left"
	}))
}

// api/stats has all fields of hostmgr.Stats, in lower camel case. Distributions have other fields.
func TestStatsHaveAllOfStats(t *testing.T) {
	got := read[map[string]any](t, newSite(t, hostmgr.Config[string]{}).web, "/api/stats")
	requireFields(t, reflect.TypeFor[hostmgr.Stats](), got)
}

func requireFields(t *testing.T, of reflect.Type, got map[string]any) {
	t.Helper()
	for _, f := range reflect.VisibleFields(of) {
		name := strings.ToLower(f.Name[:1]) + f.Name[1:]
		require.Contains(t, got, name)
		if inner, ok := got[name].(map[string]any); ok && f.Type.NumMethod() == 0 {
			requireFields(t, f.Type, inner)
		}
	}
}

func TestAStaticHostHasNoInterval(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("static", "", hostmgr.Never)
	require.Contains(t, s.get("/api/hosts").Body.String(), `"interval":null`)
	require.Contains(t, s.get("/").Body.String(), `<td class="n wide">never</td>`)
}
