package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
)

// summary describes the trace and how it was played.
func (c *config) summary(t *outage.Trace) string {
	from := outage.Printable(filepath.Base(c.trace))
	if c.trace == "" {
		from = "a generated trace"
	}
	if c.format.Name != "" {
		from += " (" + c.format.Name + ")"
	}
	s := fmt.Sprintf("%s: %d nodes, %d outages, %.1f days\n%d rows skipped",
		from, len(t.Nodes), t.Outages(), t.Days(), t.Notes.Skipped())
	if notes := t.Notes.String(); notes != "" {
		s += "; noted: " + notes
	}
	s += fmt.Sprintf("\ninterval %v, delay %v to %v, loss %g %%, seed %d", c.interval, c.delay, c.delay+c.spread, 100*c.loss, c.seed)
	if c.warm > 0 {
		s += fmt.Sprintf(", warm %d", c.warm)
	}
	return s
}

const headings = "policy\toutages\tdetected\tmissed\tevictions\tfalse\tback<5m\tneedless\t" +
	"detect p50\tp99\tmax\tstale host-h\tcontacts/s\tpeak\tsuspicions\trecovered\t"

// table prints a line for each policy, and which one is recommended.
func table(stdout io.Writer, all []played, a *advice) {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "\n%s\n", headings)
	for i := range all {
		p := &all[i]
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%.2f\t%s\t%d\t%d\t%s\n",
			p.name, p.Outages, p.Detected, p.Missed, p.Evictions, p.False, p.Returned5, p.Needless,
			short(p.p50), short(p.p99), short(p.longest),
			hostHours(p.StaleHours()), p.ContactsPerSecond(), peak(p.Peak), p.Suspicions, p.Recovered, margin(a.mark(p)))
	}
	_ = w.Flush()
	for i := range all {
		if p := &all[i]; p.Late+p.Open+p.Unseen > 0 {
			_, _ = fmt.Fprintf(stdout, "%s: %d evictions came late, %d outages were open at the end, %d unseen\n",
				p.name, p.Late, p.Open, p.Unseen)
		}
	}
	_, _ = fmt.Fprintln(stdout)
}

func hostHours(h float64) string {
	if h < 1 {
		return number(h)
	}
	return strconv.FormatFloat(h, 'f', 1, 64)
}

func peak(contacts int) string {
	if contacts == 0 {
		return "-"
	}
	return strconv.Itoa(contacts)
}

func short(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(10 * time.Millisecond).String()
}

// The JSON's objects. Keys are added at the end, and never change.
type (
	result struct {
		Trace    traceResult    `json:"trace"`
		Policies []policyResult `json:"policies"`
		Advice   *advice        `json:"recommended,omitempty"`
	}
	traceResult struct {
		Nodes   int            `json:"nodes"`
		Outages int            `json:"outages"`
		Days    float64        `json:"days"`
		Skipped int            `json:"skipped"`
		Notes   map[string]int `json:"notes"`
	}
	policyResult struct {
		Name       string  `json:"name"`
		Outages    int     `json:"outages"`
		Detected   int     `json:"detected"`
		Missed     int     `json:"missed_short"`
		Evictions  int     `json:"evictions"`
		False      int     `json:"false_evictions"`
		Returned5  int     `json:"returned_5m"`
		Returned30 int     `json:"returned_30m"`
		P50        float64 `json:"detect_p50_s"`
		P99        float64 `json:"detect_p99_s"`
		Stale      float64 `json:"stale_host_hours"`
		Max        float64 `json:"detect_max_s"`
		Contacts   float64 `json:"contacts_per_s"`
		Suspicions int     `json:"suspicions"`
		Recovered  int     `json:"recovered"`
		Late       int     `json:"late_evictions"`
		Open       int     `json:"open"`
		Unseen     int     `json:"unseen"`
		Peak       int     `json:"signs_peak,omitempty"`

		Verdicts *verdicts `json:"verdicts,omitempty"`
		Needless int       `json:"needless"`
	}
)

// writeJSON prints one line.
func writeJSON(w io.Writer, t *outage.Trace, all []played, named *advice) error {
	r := result{traceResult{len(t.Nodes), t.Outages(), round(t.Days()), t.Notes.Skipped(), t.Notes.Named()}, nil, nil}
	if named != nil && named.best != nil {
		r.Advice = named
	}
	for i := range all {
		p := &all[i]
		r.Policies = append(r.Policies, policyResult{p.name, p.Outages, p.Detected, p.Missed, p.Evictions, p.False,
			p.Returned5, p.Returned30, round(p.p50.Seconds()), round(p.p99.Seconds()), round(p.StaleHours()),
			round(p.longest.Seconds()), round(p.ContactsPerSecond()), p.Suspicions, p.Recovered, p.Late, p.Open, p.Unseen,
			p.Peak, p.verdicts, p.Needless})
	}
	return json.NewEncoder(w).Encode(r)
}

// round drops digits that do not matter.
func round(f float64) float64 { return math.Round(f*1e4) / 1e4 }

// margin is what stands at the end of a row.
func margin(mark string) string {
	if mark == "" {
		return ""
	}
	return "  " + mark
}
