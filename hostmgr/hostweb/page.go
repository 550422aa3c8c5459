package hostweb

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"grouped": func(n int) string { return grouped(uint64(max(0, n))) },
	"count":   grouped,
	"from":    from,
	"ago":     func(s seconds) string { return away(-time.Duration(s)) },
	"states":  func() []string { return states },
	"kinds":   func() []string { return kindNames },
	"build":   build,
	"row":     func(name, key string, s spread) line { return line{name, key, s} },
}).ParseFS(static, "static/page.html"))

// build tells one build of the page from another: it is a hash of its files.
var build = sync.OnceValue(func() string {
	hash := fnv.New64a()
	_ = fs.WalkDir(static, ".", func(name string, _ fs.DirEntry, err error) error {
		if text, err := static.ReadFile(name); err == nil {
			_, _ = hash.Write(text)
		}
		return err
	})
	return fmt.Sprintf("%016x", hash.Sum64())
})

// A view is the data of the page as the server makes it, before or without its script.
type view struct {
	Title string
	About bool // whether the table has a column for metadata
	Query query
	Stats *stats
	Hosts *hostsPage

	Departures []departure // the latest
	Host       *hostPage   // that the page shows in full; or nil
	Token      string      // for forms; empty without Actions
}

const atFirst = 20 // departures that the page has before its script runs

func (h *Handler[M]) latest() []departure {
	list, _ := h.departed()
	return list[:min(len(list), atFirst)]
}

// A line is a line of the table of latencies.
type line struct {
	Name, Key string
	Spread    spread
}

// page answers with the state as it is now. It has the parameters of api/hosts.
func (h *Handler[M]) page(w http.ResponseWriter, r *http.Request) {
	if to := slashed(r); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	q, id, err := parsePage(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	hosts, err := h.hosts(r.Context(), q)
	if err != nil { // too many requests wait, or the client is gone
		h.refuse(w, r, err)
		return
	}
	h.answer(w, r, "text/html; charset=utf-8", func() ([]byte, error) {
		var body bytes.Buffer
		v := view{Title: h.title(), About: h.Describe != nil, Query: q, Stats: h.stats(), Hosts: hosts, Departures: h.latest()}
		if id != "" {
			v.Host = h.host(id)
		}
		if h.Actions {
			v.Token = h.forms.issue(w, r)
		}
		err := pageTemplate.Execute(&body, v)
		return body.Bytes(), err
	})
}

// slashed returns where to redirect if the request lacks the trailing slash that the page's
// relative addresses need, as /hosts does behind http.StripPrefix("/hosts", …).
func slashed(r *http.Request) string {
	asked, query, _ := strings.Cut(r.RequestURI, "?")
	if r.URL.Path != "" || asked == "" || strings.HasSuffix(asked, "/") {
		return ""
	}
	to := "./" + path.Base(asked) + "/" // "./" keeps a path such as javascript: from being a scheme
	if query != "" {
		to += "?" + query
	}
	return to
}

// from says how long before or after now t is, to a tenth of a second, so that the figures of a
// column do not flicker.
func from(t, now stamp) string {
	if time.Time(t).IsZero() {
		return "never"
	}
	return away(time.Time(t).Sub(time.Time(now)))
}

// away is from for the time between.
func away(d time.Duration) string {
	if d = d.Round(time.Second / 10); d == 0 {
		return "now"
	}
	words := span(d.Abs())
	if d.Abs() < time.Minute {
		words = fmt.Sprintf("%.1f s", d.Abs().Seconds())
	}
	if d < 0 {
		return words + " ago"
	}
	return "in " + words
}

// String formats the time as api/hosts does.
func (s stamp) String() string {
	if time.Time(s).IsZero() {
		return "never"
	}
	return time.Time(s).UTC().Format(time.RFC3339Nano)
}
