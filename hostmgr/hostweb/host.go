package hostweb

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// A hostPage is all that the page knows of one id.
type hostPage struct {
	At         stamp       `json:"at"`
	ID         string      `json:"id"`
	Host       *hostRow    `json:"host"` // nil if it is not registered
	Departures []departure `json:"departures"`
	Facts      []setting   `json:"facts"` // of the host, with exact times
}

// host returns what is known of an id. Of its departures it has those among the latest 200 of all.
func (h *Handler[M]) host(id string) *hostPage {
	p := &hostPage{At: stamp(h.now()), ID: id, Facts: []setting{}}
	if host, ok := h.Registry.Get(id); ok {
		var shown texts[M]
		p.Host = &hostRow{}
		h.fill(p.Host, &host, &shown)
		h.describe(&shown)
		p.Facts = p.Host.facts(p.At)
	}
	list, _ := h.departed()
	p.Departures = slices.DeleteFunc(list, func(d departure) bool { return d.ID != id })
	return p
}

// facts are all that is known of a host, in words.
func (r *hostRow) facts(at stamp) []setting {
	exact := func(t stamp) string {
		if time.Time(t).IsZero() {
			return "never"
		}
		return t.String() + ", " + from(t, at)
	}
	list := []setting{
		{"State", r.State}, {"Zone", r.Zone}, {"Last contact", exact(r.LastContact)}, {"Interval", r.Interval.String()},
		{"Suspect at", exact(r.SuspectAt)}, {"Evict at", exact(r.EvictAt)}, {"Held", r.Hold}, {"Held until at the latest", ""},
		{"Joined", exact(r.Joined)}, {"Incarnation", fmt.Sprint(r.Incarnation)}, {"Registration", fmt.Sprint(r.Registration)},
		{"Lately evicted", several(r.Evictions, "time")}, {"Keeper", r.Keeper}, {"Keeper's id", r.KeeperID}, {"Metadata", r.About},
	}
	if !time.Time(r.HoldUntil).IsZero() {
		list[7].Text = exact(r.HoldUntil)
	}
	return slices.DeleteFunc(list, func(s setting) bool { return s.Text == "" || s.Text == "0 times" })
}

func (h *Handler[M]) apiHost(w http.ResponseWriter, r *http.Request) {
	values, err := single(r.URL.RawQuery)
	id := values["id"]
	if err == nil {
		_, err = text("id", id)
	}
	switch {
	case err != nil:
		h.fail(w, r, http.StatusBadRequest, err.Error())
	case id == "" || len(values) > 1:
		h.fail(w, r, http.StatusBadRequest, "the one parameter is id")
	default:
		h.reply(w, r, func() any { return h.host(id) })
	}
}
