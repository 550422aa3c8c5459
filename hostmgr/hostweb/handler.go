package hostweb

import (
	"embed"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A Handler serves the page of one registry at the root of its paths. To serve it under a prefix,
// use http.StripPrefix. It is safe for concurrent use and must not be copied after first use.
type Handler[M any] struct {
	// Registry is the registry to show. If it is nil, every answer is an error with status 500.
	Registry *hostmgr.Registry[M]
	// Title heads the page. Empty means "hosts".
	Title string
	// Describe describes a host's metadata in a few words; beyond 256 bytes the text is cut. It is
	// called for the hosts that are shown, with no lock held, maybe concurrently. If it panics the
	// page says so in place of the text. All texts of a scan have 2 s, and so has the text of a
	// departure. After that the page shows no more texts of it, and says so. At most 8 goroutines
	// call Describe, those that hang included; while 8 hang it is not called. Nil means that
	// metadata is not shown.
	Describe func(M) string
	// Version is the version of the program, for the line that says what is configured. Empty means
	// the version of this module.
	Version string
	// Replica names the process that serves the page. Empty means the name of the Member or,
	// without one, the name of the machine.
	Replica string
	// Member shares the Registry with the registries of other members. The page then shows the
	// members, how old its view of them is, and the keeper of each host. Nil means that the
	// registry is not shared.
	Member *share.Member[M]
	// Actions lets the page evict and forget single hosts, by POST, each with a reason. Each client
	// that can reach the handler can do so: put authentication in front of it. A form works only at
	// the process that made its page: behind a load balancer, reach each replica by an address of
	// its own, or use sticky sessions. Off, the Handler changes nothing.
	Actions bool
	// Logger gets a line for each action that was done or refused. Nil means slog.Default.
	Logger *slog.Logger
	// User names the user of a request, for these lines. It is called with no lock held. Nil means
	// that they have only the address of the client.
	User func(*http.Request) string
	// Clock is the time source; it should be the registry's. Nil means the system's.
	Clock clock.Clock

	feed    feed
	batcher batcher[M]
	unsent  unsentBytes
	slots   slots
	forms   forms

	describing atomic.Int64 // goroutines that call Describe, or hang in it
}

const maxQuery = 4096 // bytes

//go:embed static
var static embed.FS

// assets are the files of the page, by name, with their content types.
var assets = map[string]string{
	"page.css":      "text/css; charset=utf-8",
	"app.js":        "text/javascript; charset=utf-8",
	"chart.js":      "text/javascript; charset=utf-8",
	"format.js":     "text/javascript; charset=utf-8",
	"table.js":      "text/javascript; charset=utf-8",
	"host.js":       "text/javascript; charset=utf-8",
	"departures.js": "text/javascript; charset=utf-8",
	"stream.js":     "text/javascript; charset=utf-8",
	"shared.js":     "text/javascript; charset=utf-8",
}

// ServeHTTP answers GET and HEAD, which change nothing, and with Actions also POST.
func (h *Handler[M]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.protect(w.Header())
	limitBody(w, r)
	name := strings.TrimPrefix(r.URL.Path, "/")
	serve := h.route(name)
	switch {
	case h.Registry != nil && h.Actions && strings.HasPrefix(name, "actions/") && serve != nil:
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			h.fail(w, r, http.StatusMethodNotAllowed, "only POST is answered")
			return
		}
		serve(w, r)
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

// protect tells the browser to load only our files, to run only our scripts, and to store nothing.
func (h *Handler[M]) protect(header http.Header) {
	forms := "'none'"
	if h.Actions {
		forms = "'self'"
	}
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action "+forms+"; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
}

// route returns the handler of a path, or nil.
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
	case "api/host":
		return h.apiHost
	case "actions/evict", "actions/forget":
		if h.Actions {
			return h.act
		}
		return nil
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

// describe sets texts of metadata.
func (h *Handler[M]) describe(t *texts[M]) {
	t.describe(h.Describe, h.clock(), &h.describing, describeLimit)
}

func (h *Handler[M]) title() string {
	if h.Title == "" {
		return "hosts"
	}
	return h.Title
}
