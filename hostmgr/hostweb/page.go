package hostweb

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"grouped": func(n int) string { return grouped(uint64(max(0, n))) },
	"count":   grouped,
	"from":    from,
	"words":   func() []string { return states },
	"latest":  latestFirst,
	"row":     func(name, key string, s spread[seconds]) line { return line{name, key, s} },
}).ParseFS(static, "static/page.html"))

// A view is what the page is made of before its script takes over, or without it.
type view struct {
	Title    string
	About    bool // there is a column for it
	Question question
	Stats    *stats
	Hosts    *hostsPage
}

// A line is one of the table of times.
type line struct {
	Name, Key string
	Spread    spread[seconds]
}

func latestFirst(list []shadowReturn) []shadowReturn {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// page answers with the state as it is now, for the same parameters as api/hosts.
func (h *Handler[M]) page(w http.ResponseWriter, r *http.Request) {
	if to := slashed(r); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	q, err := ask(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	hosts, err := h.hosts(r.Context(), q)
	if err != nil { // whoever asked is gone
		h.fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	h.answer(w, r, "text/html; charset=utf-8", func() ([]byte, error) {
		var body bytes.Buffer
		err := pageTemplate.Execute(&body, view{h.title(), h.Describe != nil, q, h.stats(), hosts})
		return body.Bytes(), err
	})
}

// slashed returns where to go instead if the page was asked for without the slash that its
// relative addresses need: behind http.StripPrefix("/hosts", …) that is /hosts.
func slashed(r *http.Request) string {
	asked, query, _ := strings.Cut(r.RequestURI, "?")
	if r.URL.Path != "" || asked == "" || strings.HasSuffix(asked, "/") {
		return ""
	}
	to := "./" + path.Base(asked) + "/" // of a path such as javascript: the scheme is taken, too
	if query != "" {
		to += "?" + query
	}
	return to
}

// from is how long before or after now something is, for people: to a tenth of a second, so that
// the figures of a column stand still.
func from(t, now stamp) string {
	if time.Time(t).IsZero() {
		return "never"
	}
	d := time.Time(t).Sub(time.Time(now)).Round(time.Second / 10)
	if d == 0 {
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

// String is the time as api/hosts has it.
func (s stamp) String() string {
	if time.Time(s).IsZero() {
		return "never"
	}
	return time.Time(s).UTC().Format(time.RFC3339Nano)
}
