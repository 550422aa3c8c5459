package hostweb

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/hostlife/hostlife/histogram"
	"github.com/hostlife/hostlife/hostmgr"
)

// A stamp is a time in JSON: null if it is zero, or not a valid RFC 3339 time.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s).UTC()
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return []byte("null"), nil
	}
	return []byte(t.Format(`"` + time.RFC3339Nano + `"`)), nil
}

// seconds are a duration in JSON: null if it is hostmgr.Never.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) {
	if time.Duration(s) == hostmgr.Never {
		return []byte("null"), nil
	}
	return json.Marshal(time.Duration(s).Seconds())
}

// number formats the seconds for a table. Never is empty.
func (s seconds) number() string {
	if time.Duration(s) == hostmgr.Never {
		return ""
	}
	return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', -1, 64)
}

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

	// Unsearched is how many hosts were not searched by their metadata: Describe is too slow.
	Unsearched int `json:"unsearched"`
}

type hostRow struct {
	ID           string  `json:"id"`
	State        string  `json:"state"`
	Zone         string  `json:"zone"`
	Interval     seconds `json:"interval"`
	Incarnation  uint64  `json:"incarnation,string"`
	Registration uint64  `json:"registration,string"`
	Joined       stamp   `json:"joined"`
	LastContact  stamp   `json:"lastContact"`
	SuspectAt    stamp   `json:"suspectAt"`
	EvictAt      stamp   `json:"evictAt"`
	Hold         string  `json:"hold"`
	HoldUntil    stamp   `json:"holdUntil"`
	Evictions    int     `json:"evictions"`
	About        string  `json:"about"`
	Keeper       string  `json:"keeper"`   // the name of a member, or its id if it has no name
	KeeperID     string  `json:"keeperId"` // empty: none that is alive, or the registry is not shared
}

func rowOf[M any](host hostmgr.Host[M]) hostRow {
	return hostRow{
		ID: host.ID, State: host.State.String(), Zone: host.Zone, Interval: seconds(host.Interval),
		Incarnation: host.Incarnation, Registration: host.Registration, Joined: stamp(host.Joined),
		LastContact: stamp(host.LastContact), SuspectAt: stamp(host.SuspectAt), EvictAt: stamp(host.EvictAt),
		Hold: host.Hold.String(), HoldUntil: stamp(host.HoldUntil), Evictions: host.Evictions,
	}
}

// fill sets a row. The text about its metadata is there when shown is described.
func (h *Handler[M]) fill(row *hostRow, host *hostmgr.Host[M], shown *texts[M]) {
	*row = rowOf(*host)
	row.Keeper, row.KeeperID = h.keeper(host.ID)
	shown.add(host.Metadata, &row.About)
}

// hostsPage reads each host of the page again. A host that is gone by now is left out. It adds what
// is to be described to shown.
func (h *Handler[M]) hostsPage(b *batch, q query, s *selection[M], zones []zoneCounts, shown *texts[M]) *hostsPage {
	p := &hostsPage{
		At: stamp(b.ended()), Took: seconds(b.took), Matched: s.matched, Size: q.Size,
		Zones: zones,
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
	p.Hosts = make([]hostRow, 0, len(entries)) // its rows do not move
	for _, e := range entries {
		if host, ok := h.Registry.Get(e.id); ok {
			p.Hosts = append(p.Hosts, hostRow{})
			h.fill(&p.Hosts[len(p.Hosts)-1], &host, shown)
		}
	}
	return p
}

// A spread is a distribution of durations in JSON.
type spread struct {
	Count uint64  `json:"count"`
	Min   seconds `json:"min"`
	Mean  seconds `json:"mean"`
	P50   seconds `json:"p50"`
	P90   seconds `json:"p90"`
	P99   seconds `json:"p99"`
	P999  seconds `json:"p999"`
	Max   seconds `json:"max"`
}

func spreadOf(s histogram.Snapshot[time.Duration]) spread {
	return spread{
		s.Count, seconds(s.Min), seconds(s.Mean), seconds(s.P50),
		seconds(s.P90), seconds(s.P99), seconds(s.P999), seconds(s.Max),
	}
}

func (h *Handler[M]) apiStats(w http.ResponseWriter, r *http.Request) {
	h.reply(w, r, func() any { return h.stats() })
}

func (h *Handler[M]) apiHosts(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	page, err := h.hosts(r.Context(), q)
	if err != nil { // too many requests wait, or the client is gone
		h.refuse(w, r, err)
		return
	}
	h.reply(w, r, func() any { return page })
}

func (h *Handler[M]) apiHistory(w http.ResponseWriter, r *http.Request) {
	h.reply(w, r, func() any { return map[string]any{"points": h.history()} })
}

// reply sends a value that can always be marshalled.
func (h *Handler[M]) reply(w http.ResponseWriter, r *http.Request, answer func() any) {
	h.answer(w, r, "application/json", func() ([]byte, error) { return json.Marshal(answer()) })
}

func (h *Handler[M]) fail(w http.ResponseWriter, r *http.Request, status int, why string) {
	body, _ := json.Marshal(map[string]string{"error": why})
	h.send(w, r, status, "application/json", body)
}

// refuse tells the client to try again later.
func (h *Handler[M]) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", retryAfter)
	h.fail(w, r, http.StatusServiceUnavailable, err.Error())
}
