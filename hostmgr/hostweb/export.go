package hostweb

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var (
	kindNames = []string{"left", "evicted", "replaced", "forgotten"}
	formats   = []string{"json", "csv", "text"}
)

// A departureQuery selects departures, and says how to write them.
type departureQuery struct{ Search, Kind, Zone, Format string }

func parseDepartureQuery(raw string) (q departureQuery, err error) {
	values, err := single(raw)
	if err != nil {
		return q, err
	}
	for name, value := range values {
		if err := q.set(name, value); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *departureQuery) set(name, value string) (err error) {
	switch {
	case value == "" && name != "":
	case name == "search":
		q.Search, err = text(name, strings.ToLower(value))
	case name == "zone":
		q.Zone, err = text(name, value)
	case name == "kind":
		q.Kind, err = oneOf(name, value, kindNames)
	case name == "format":
		q.Format, err = oneOf(name, value, formats)
	default:
		err = fmt.Errorf("%q is not a parameter", name)
	}
	return err
}

// single parses a query in which each parameter is given once.
func single(raw string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("the query is malformed: %w", err)
	}
	once := map[string]string{}
	for name, given := range values {
		if len(given) > 1 {
			return nil, fmt.Errorf("%q is given more than once", name)
		}
		once[name] = given[0]
	}
	return once, nil
}

func (q *departureQuery) matches(d *departure) bool {
	return (q.Kind == "" || q.Kind == d.Kind) && (q.Zone == "" || q.Zone == d.Zone) &&
		(q.Search == "" || slices.ContainsFunc([]string{d.ID, d.Zone, d.About, d.Reason}, func(s string) bool { return containsFold(s, q.Search) }))
}

// containsFold reports whether a text contains another one, which is in lower case.
func containsFold(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }

// apiDepartures answers with departures as JSON, or as a file of CSV or text.
func (h *Handler[M]) apiDepartures(w http.ResponseWriter, r *http.Request) {
	q, err := parseDepartureQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "text": "text/plain; charset=utf-8"}[q.Format]
	if kind == "" {
		kind = "application/json"
	}
	h.answer(w, r, kind, func() ([]byte, error) {
		list, missed := h.departed()
		list = slices.DeleteFunc(list, func(d departure) bool { return !q.matches(&d) })
		switch q.Format {
		case "csv":
			return csvOf(list)
		case "text":
			return textOf(list), nil
		}
		return json.Marshal(map[string]any{"departures": list, "missed": missed})
	})
}

// departed returns the departures that viewers see, the latest first. Without viewers it returns
// those that the registry has kept.
func (h *Handler[M]) departed() (list []departure, missed uint64) {
	if _, list, missed, ok := h.feed.shown(h.now()); ok {
		slices.Reverse(list)
		return list, missed
	}
	return h.departures(), 0
}

// csvOf writes a table with exact figures.
func csvOf(list []departure) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{
		"at", "id", "kind", "zone", "metadata", "reason", "joined", "last_contact", "silence_s", "timeout_s",
		"interval_s", "stall_s", "held_s", "hold", "incarnation", "registration",
	})
	for _, d := range list {
		_ = w.Write([]string{
			d.At.String(), cell(d.ID), d.Kind, cell(d.Zone), cell(d.About), cell(d.Reason), d.Joined.String(), d.LastContact.String(),
			d.Silence.number(), d.Timeout.number(), d.Interval.number(), d.StallTime.number(), d.HeldFor.number(), d.Hold,
			fmt.Sprint(d.Incarnation), fmt.Sprint(d.Registration),
		})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// cell keeps a spreadsheet from taking a text of a host for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// textOf writes a line for each departure.
func textOf(list []departure) []byte {
	var b bytes.Buffer
	for _, d := range list {
		words := []string{time.Time(d.At).UTC().Format("2006-01-02T15:04:05.000Z"), d.ID}
		for _, word := range []string{d.Zone, d.About} {
			if word != "" {
				words = append(words, word)
			}
		}
		fmt.Fprintln(&b, oneLine(strings.Join(append(words, d.Reason), "  ")))
	}
	return b.Bytes()
}

// oneLine replaces control characters: a host must not write lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
