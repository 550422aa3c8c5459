package hostweb

import (
	"fmt"
	"strings"

	"github.com/hostlife/hostlife/hostmgr"
)

// A comparison sets what a shadow policy would have done beside what the policy did.
type comparison struct {
	Text  string     `json:"text"`
	Lines []contrast `json:"lines"`
}

// A contrast is one figure of both, as texts.
type contrast struct {
	What   string `json:"what"`
	Hint   string `json:"hint"`
	Policy string `json:"policy"`
	Shadow string `json:"shadow"`
}

// compared returns nil as long as there is nothing to compare: no silence yet that either was too
// long for the shadow, or that it would have put up with and the policy did not.
//
// The shadow's own counts are of what it would have done otherwise, so beside those of the policy
// they would flatter it: a host that both evict, and that comes back, is in Returned of the policy
// alone. What both did is added here.
func compared(s hostmgr.Stats) *comparison {
	w := s.Shadow
	if w.Evicted+w.Returned+w.Later+w.Spared == 0 {
		return nil
	}
	evicted := w.Evicted + w.Later - min(w.Later, w.Spared)
	returned := w.Returned + s.Returned - min(s.Returned, w.Spared)
	did, would := times(s.Detection), times(w.Detection)
	return &comparison{sayings(w), []contrast{
		{"Evicted", "the shadow: sooner or later", grouped(s.Evicted), grouped(evicted)},
		{"Of them came back", backs, grouped(s.Returned), grouped(returned)},
		{"Silence until eviction, p50", silences, did.told(did.P50), would.told(would.P50)},
		{"Silence until eviction, p99", silences, did.told(did.P99), would.told(would.P99)},
	}}
}

const (
	backs    = "within 5 minutes of the eviction; where the policy kept the host, at any time"
	silences = "the shadow: without those that the policy ended while the shadow had patience"
)

// told is one of the values, if there are any.
func (s spread[T]) told(v T) string {
	if s.Count == 0 {
		return "–"
	}
	return fmt.Sprint(v)
}

// sayings say where the two differ.
func sayings(w hostmgr.ShadowStats) string {
	list := []string{"No host was heard of again that the policy kept and the shadow would have evicted."}
	if w.Returned > 0 {
		list[0] = several(w.Returned, "time") + " a host was heard of again that the policy kept and the shadow would have evicted."
	}
	if w.Later > 0 {
		list = append(list, "The shadow still had patience when the policy evicted "+several(w.Later, "host")+".")
	}
	if w.Spared > 0 {
		list = append(list, "Of "+several(w.Spared, "host")+" that came back in time it would have kept the metadata.")
	}
	return strings.Join(list, " ")
}
