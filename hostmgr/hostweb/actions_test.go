package hostweb_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A browser fills in the forms of a page.
type browser struct {
	*site
	cookie *http.Cookie
	token  string
}

// openPage loads the page with the section about a host.
func openPage(s *site, id string) *browser {
	w := s.get("/?host=" + url.QueryEscape(id))
	b := &browser{site: s}
	if all := w.Result().Cookies(); len(all) > 0 {
		b.cookie = all[0]
	}
	if m := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(w.Body.String()); m != nil {
		b.token = m[1]
	}
	return b
}

func (b *browser) post(action string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/actions/"+action, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.web.ServeHTTP(w, r)
	return w
}

func (b *browser) form(id string) url.Values {
	h, _ := b.Get(id)
	return url.Values{
		"id": {id}, "registration": {strconv.FormatUint(h.Registration, 10)}, "token": {b.token}, "reason": {"its disk fails"},
	}
}

func withActions(t *testing.T) (s *site, log *bytes.Buffer) {
	s, log = newSite(t, hostmgr.Config[string]{}), &bytes.Buffer{}
	s.web.Actions, s.web.Logger = true, slog.New(slog.NewTextHandler(log, nil))
	s.web.User = func(*http.Request) string { return "alice" }
	for _, id := range []string{"a", "b"} {
		s.join(id, "", time.Hour)
	}
	return s, log
}

func TestActionsAreOffByDefault(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("a", "", time.Hour)
	b := openPage(s, "a")
	require.Empty(t, b.token)
	require.Nil(t, b.cookie)
	require.Equal(t, http.StatusNotFound, b.post("evict", b.form("a"), nil).Code)
	require.NotContains(t, s.get("/?host=a").Body.String(), "<form")
	require.Equal(t, 1, s.Len())
}

func TestEvictAndForget(t *testing.T) {
	s, log := withActions(t)
	b := openPage(s, "a")
	require.True(t, b.cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, b.cookie.SameSite)
	w := b.post("evict", b.form("a"), nil)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "../?host=a#h-host", w.Header().Get("Location"))
	for d := range s.Departures() {
		require.Equal(t, hostmgr.DepartureEvicted, d.Kind)
		require.Equal(t, "its disk fails", d.Judgement)
	}
	require.Contains(t, log.String(), `msg="an action of the page was done" action=evict host=a`)
	require.Contains(t, log.String(), `reason="its disk fails" user=alice from=192.0.2.1:1234`)

	require.Equal(t, http.StatusSeeOther, b.post("forget", b.form("b"), nil).Code)
	require.Zero(t, s.Len())
	require.EqualValues(t, 1, s.Stats().Departures.Forgotten)
	require.Equal(t, http.StatusConflict, b.post("evict", b.form("a"), nil).Code, "it is gone")
}

// A form without the token of its browser's cookie, or of another site, does nothing.
func TestForgedForms(t *testing.T) {
	s, log := withActions(t)
	b := openPage(s, "a")
	other := openPage(s, "a")
	require.NotEqual(t, b.token, other.token)
	for name, forge := range map[string]func(url.Values, *http.Request){
		"no cookie":      func(_ url.Values, r *http.Request) { r.Header.Del("Cookie") },
		"another cookie": func(_ url.Values, r *http.Request) { r.Header.Set("Cookie", other.cookie.String()) },
		"empty cookie":   func(_ url.Values, r *http.Request) { r.Header.Set("Cookie", b.cookie.Name+"=") },
		"another site":   func(_ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling":      func(_ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin": func(_ url.Values, r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://evil.example")
		},
		"token in the query": func(_ url.Values, r *http.Request) {
			r.URL.RawQuery, r.Body = "token="+b.token, http.NoBody
			r.ContentLength = 0
		},
	} {
		form := b.form("a")
		w := b.post("evict", form, func(r *http.Request) { forge(form, r) })
		require.Equal(t, http.StatusForbidden, w.Code, name)
	}
	for name, change := range map[string]url.Values{"token": {"token": {"x"}}, "none": {"token": nil}} {
		form := b.form("a")
		form["token"] = change["token"]
		require.Equal(t, http.StatusForbidden, b.post("evict", form, nil).Code, name)
	}
	require.Equal(t, 2, s.Len())
	require.Contains(t, log.String(), "an action of the page was refused")
	require.NotContains(t, log.String(), "was done")
}

// No action is without its line in the log.
func TestAUserThatPanicsEvictsNothing(t *testing.T) {
	s, _ := withActions(t)
	b := openPage(s, "a")
	s.web.User = func(*http.Request) string { panic("no session") }
	require.Panics(t, func() { b.post("evict", b.form("a"), nil) })
	require.Equal(t, 2, s.Len())
}

func TestBadForms(t *testing.T) {
	s, _ := withActions(t)
	b := openPage(s, "a")
	for field, value := range map[string]string{"reason": "  ", "registration": "x"} {
		form := b.form("a")
		form.Set(field, value)
		require.Equal(t, http.StatusBadRequest, b.post("evict", form, nil).Code, field)
	}
	form := b.form("a")
	form.Set("registration", "7")
	require.Equal(t, http.StatusConflict, b.post("evict", form, nil).Code, "another registration")
	form = b.form("a")
	form.Set("reason", strings.Repeat("x", 2000))
	require.Equal(t, http.StatusBadRequest, b.post("evict", form, nil).Code, "too long")
	form.Set("reason", strings.Repeat("x", 20_000))
	require.Equal(t, http.StatusBadRequest, b.post("evict", form, nil).Code, "far too long")
	require.Equal(t, 2, s.Len())
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
		w := do(s.web, method, "/actions/evict?"+b.form("a").Encode())
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
		require.Equal(t, "POST", w.Header().Get("Allow"))
	}
	require.Equal(t, http.StatusNotFound, b.post("evict/a", b.form("a"), nil).Code)
	require.Equal(t, 2, s.Len())
}
