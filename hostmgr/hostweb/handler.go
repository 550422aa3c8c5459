package hostweb

import (
	"embed"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A Handler serves the page of one registry, at the root of its paths: under a prefix, put it in
// http.StripPrefix. It must not be copied after first use; it is safe for concurrent use.
type Handler[M any] struct {
	// Registry is what is shown. If it is nil every answer is an error with status 500.
	Registry *hostmgr.Registry[M]
	// Title heads the page. Empty means "hosts".
	Title string
	// Describe says in a few words what a host's metadata is; of more than 256 bytes the rest is
	// cut off. It is called with no lock held, for those hosts that are shown, and may be called
	// concurrently; if it panics the page says so in place of its words. Nil means that metadata
	// is not shown.
	Describe func(M) string
	// Clock is the time source; it should be the registry's. Nil means the system's.
	Clock clock.Clock

	feed   feed
	desk   desk[M]
	unsent load
	turns  turns
}

const (
	maxQuery = 4096 // bytes
	maxAbout = 256  // likewise
)

//go:embed static
var static embed.FS

// assets are the files that the page needs.
var assets = map[string]string{
	"page.css":  "text/css; charset=utf-8",
	"app.js":    "text/javascript; charset=utf-8",
	"chart.js":  "text/javascript; charset=utf-8",
	"format.js": "text/javascript; charset=utf-8",
	"shadow.js": "text/javascript; charset=utf-8",
	"table.js":  "text/javascript; charset=utf-8",
}

// ServeHTTP answers GET and HEAD, and changes nothing.
func (h *Handler[M]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	limitBody(w, r)
	serve := h.route(strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case serve == nil:
		h.fail(w, r, http.StatusNotFound, "there is nothing at this path")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		h.fail(w, r, http.StatusMethodNotAllowed, "only GET and HEAD are answered")
	case r.ContentLength != 0:
		h.fail(w, r, http.StatusBadRequest, "a request has no body here")
	case len(r.URL.RawQuery) > maxQuery:
		h.fail(w, r, http.StatusBadRequest, "the query is too long")
	case h.Registry == nil:
		h.fail(w, r, http.StatusInternalServerError, "hostweb: Handler.Registry is nil")
	default:
		serve(w, r)
	}
}

// protect has the browser load nothing from elsewhere, run nothing that is not a file of ours, and
// keep nothing.
func protect(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
}

// route returns what serves a path, or nil.
func (h *Handler[M]) route(name string) http.HandlerFunc {
	switch name {
	case "":
		return h.page
	case "events":
		return h.events
	case "api/stats":
		return h.apiStats
	case "api/hosts":
		return h.apiHosts
	case "api/departures":
		return h.apiDepartures
	case "api/history":
		return h.apiHistory
	}
	if kind, ok := assets[name]; ok {
		return func(w http.ResponseWriter, r *http.Request) {
			h.answer(w, r, kind, func() ([]byte, error) { return static.ReadFile(path.Join("static", name)) })
		}
	}
	return nil
}

func (h *Handler[M]) clock() clock.Clock {
	if h.Clock == nil {
		return clock.System()
	}
	return h.Clock
}

func (h *Handler[M]) now() time.Time { return h.clock().Now() }

func (h *Handler[M]) title() string {
	if h.Title == "" {
		return "hosts"
	}
	return h.Title
}

// about is what Describe says of a host, cut to a sane length.
func (h *Handler[M]) about(metadata M) (words string) {
	if h.Describe == nil {
		return ""
	}
	defer func() {
		if recover() != nil {
			words = "(Describe panicked)"
		}
	}()
	return cut(h.Describe(metadata))
}

// cut ends a text at the last whole rune that fits.
func cut(s string) string {
	if len(s) <= maxAbout {
		return s
	}
	return strings.ToValidUTF8(s[:maxAbout-len("…")], "") + "…"
}
