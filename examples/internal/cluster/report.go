package cluster

import (
	"encoding/json"
	"fmt"
	"io"
)

// A result is the verdict on one scenario.
type result struct {
	Name      string  `json:"name"`
	OK        bool    `json:"ok"`
	NotPlayed bool    `json:"not_played,omitempty"` // and so neither ok nor failed
	Detail    string  `json:"detail"`
	Detect    float64 `json:"detect_ms"` // from the last contact (or the signal to leave) to the removal
	Lag       float64 `json:"lag_ms"`    // from the deadline (or the leave) to the end of the cleanup
	*tally            // of several schedulers; otherwise nil
}

const legend = `
detect: from the last contact (or the signal to leave) until the host is removed
lag: from its deadline (or its leave) until its peers are freed too
of many hosts, both are those of the slowest; "-" means nothing to measure
`

const sharedLegend = `
evicted: hosts; wrong: of these, evicted although a scheduler had heard them within the timeout
seen: departures that each scheduler has seen
shared: cleanups on one scheduler for all; +n were done again, because an engine or a scheduler was lost
detect: from the last contact (or the signal to leave) until the host is removed
delay: from its deadline (or its leave) until its peers are freed on all schedulers
of many hosts, both are those of the slowest; "-" means nothing to measure
`

// report prints the table. It returns an error if a scenario failed, or if one was not played: ended
// says why.
func report(w io.Writer, results []result, shared, asJSON bool, ended error) error {
	unplayed, ok := 0, true
	for _, r := range results {
		ok = ok && r.OK
		if r.NotPlayed {
			unplayed++
		}
	}
	if shared {
		printShared(w, results)
	} else {
		printSingle(w, results)
	}
	if asJSON {
		if err := json.NewEncoder(w).Encode(map[string]any{"ok": ok, "scenarios": results}); err != nil {
			return err
		}
	}
	switch {
	case unplayed > 0:
		return fmt.Errorf("%d of %d scenarios were not played: %w", unplayed, len(results), ended)
	case !ok:
		return errFailed
	}
	return nil
}

func printSingle(w io.Writer, results []result) {
	_, _ = fmt.Fprintf(w, "\n%-17s %-10s %12s %11s  %s\n", "scenario", "verdict", "detect", "lag", "detail")
	for _, r := range results {
		_, _ = fmt.Fprintf(w, "%-17s %-10s %12s %11s  %s\n", r.Name, r.verdict(), figure(r.Detect), figure(r.Lag), r.Detail)
	}
	_, _ = fmt.Fprint(w, legend)
}

func printShared(w io.Writer, results []result) {
	const format = "%-17s %-10s %7s %5s %17s %9s %12s %11s  %s\n"
	_, _ = fmt.Fprintf(w, "\n"+format, "scenario", "verdict", "evicted", "wrong", "seen", "shared", "detect", "delay", "detail")
	for _, r := range results {
		n := r.tally
		if n == nil {
			n = &tally{}
		}
		shared := fmt.Sprint(n.Shared - n.Again)
		if n.Again > 0 {
			shared += fmt.Sprintf(" +%d", n.Again)
		}
		_, _ = fmt.Fprintf(w, format, r.Name, r.verdict(), fmt.Sprint(n.Evictions), fmt.Sprint(n.Wrong), separated(n.Departures),
			shared, figure(r.Detect), figure(r.Lag), r.Detail)
	}
	_, _ = fmt.Fprint(w, sharedLegend)
}

func (r *result) verdict() string {
	switch {
	case r.NotPlayed:
		return "not played"
	case r.OK:
		return "ok"
	default:
		return "FAILED"
	}
}

func figure(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}
