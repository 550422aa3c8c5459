package hostweb

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// A stamp is a time in JSON: null if there is none, or none that RFC 3339 can tell.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s).UTC()
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return []byte("null"), nil
	}
	return []byte(t.Format(`"` + time.RFC3339Nano + `"`)), nil
}

// seconds are a duration in JSON.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

func (s seconds) String() string { return span(time.Duration(s)) }

// hostsPage is the answer of api/hosts.
type hostsPage struct {
	At      stamp        `json:"at"`
	Took    seconds      `json:"took"`
	Total   int          `json:"total"`
	Matched int          `json:"matched"`
	Page    int          `json:"page"`
	Pages   int          `json:"pages"`
	Size    int          `json:"size"`
	Counts  stateCounts  `json:"counts"`
	Zones   []zoneCounts `json:"zones"`
	Hosts   []hostRow    `json:"hosts"`
}

type hostRow struct {
	ID          string  `json:"id"`
	State       string  `json:"state"`
	Zone        string  `json:"zone"`
	Interval    seconds `json:"interval"`
	Incarnation uint64  `json:"incarnation,string"`
	Life        uint64  `json:"life,string"`
	Joined      stamp   `json:"joined"`
	LastSeen    stamp   `json:"lastSeen"`
	SuspectAt   stamp   `json:"suspectAt"`
	EvictAt     stamp   `json:"evictAt"`
	Held        string  `json:"held"`
	About       string  `json:"about"`
}

func (h *Handler[M]) row(host hostmgr.Host[M]) hostRow {
	return hostRow{
		ID: host.ID, State: host.State.String(), Zone: host.Zone, Interval: seconds(host.Interval),
		Incarnation: host.Incarnation, Life: host.Life, Joined: stamp(host.Joined),
		LastSeen: stamp(host.LastSeen), SuspectAt: stamp(host.SuspectAt), EvictAt: stamp(host.EvictAt),
		Held: host.Held, About: h.about(host.Metadata),
	}
}

// hostsPage asks for each host on the page once more: one that is gone by now is left out.
func (h *Handler[M]) hostsPage(r *round, q question, s *selection[M], zones []zoneCounts) *hostsPage {
	p := &hostsPage{
		At: stamp(r.ended()), Took: seconds(r.took), Matched: s.matched, Size: q.Size,
		Zones: zones, Hosts: []hostRow{},
	}
	for _, z := range zones {
		p.Counts.Alive += z.Alive
		p.Counts.Late += z.Late
		p.Counts.Suspect += z.Suspect
		p.Counts.Offline += z.Offline
		p.Counts.Held += z.Held
	}
	p.Total = p.Counts.Total()
	entries, page, pages := s.page(q)
	p.Page, p.Pages = page, pages
	for _, e := range entries {
		if host, ok := h.Registry.Get(e.id); ok {
			p.Hosts = append(p.Hosts, h.row(host))
		}
	}
	return p
}

// A spread is a distribution in JSON: of seconds, or of shares.
type spread[T seconds | float64] struct {
	Count uint64 `json:"count"`
	Min   T      `json:"min"`
	Mean  T      `json:"mean"`
	P50   T      `json:"p50"`
	P90   T      `json:"p90"`
	P99   T      `json:"p99"`
	P999  T      `json:"p999"`
	Max   T      `json:"max"`
}

func times(s histogram.Snapshot[time.Duration]) spread[seconds] { return spreadOf[seconds](s) }
func shares(s histogram.Snapshot[float64]) spread[float64]      { return spreadOf[float64](s) }

func spreadOf[T seconds | float64, N histogram.Number](s histogram.Snapshot[N]) spread[T] {
	return spread[T]{s.Count, T(s.Min), T(s.Mean), T(s.P50), T(s.P90), T(s.P99), T(s.P999), T(s.Max)}
}

func (h *Handler[M]) apiStats(w http.ResponseWriter, r *http.Request) {
	h.reply(w, r, func() any { return h.stats() })
}

func (h *Handler[M]) apiHosts(w http.ResponseWriter, r *http.Request) {
	q, err := ask(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	page, err := h.hosts(r.Context(), q)
	if err != nil { // whoever asked is gone
		h.fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	h.reply(w, r, func() any { return page })
}

func (h *Handler[M]) apiDepartures(w http.ResponseWriter, r *http.Request) {
	h.reply(w, r, func() any {
		departures, missed := h.feed.departed()
		return map[string]any{"departures": departures, "missed": missed}
	})
}

func (h *Handler[M]) apiHistory(w http.ResponseWriter, r *http.Request) {
	h.reply(w, r, func() any { return map[string]any{"points": h.feed.history(h.now())} })
}

// reply sends what can always be marshalled.
func (h *Handler[M]) reply(w http.ResponseWriter, r *http.Request, answer func() any) {
	h.answer(w, r, "application/json", func() ([]byte, error) { return json.Marshal(answer()) })
}

func (h *Handler[M]) fail(w http.ResponseWriter, r *http.Request, status int, why string) {
	body, _ := json.Marshal(map[string]string{"error": why})
	h.send(w, r, status, "application/json", body)
}

// refuse says that the client may try again.
func (h *Handler[M]) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", tooMany)
	h.fail(w, r, http.StatusServiceUnavailable, err.Error())
}
