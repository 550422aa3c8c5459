package cluster

import (
	"encoding/json"
	"fmt"
	"io"
)

// A result is the verdict on one scenario.
type result struct {
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Detail string  `json:"detail"`
	Detect float64 `json:"detect_ms"` // from the last contact (or the signal to leave) to the removal
	Lag    float64 `json:"lag_ms"`    // from the deadline (or the leave) to the end of the cleanup
}

const legend = `
detect: from the last contact (or the signal to leave) until the host is removed
lag: from its deadline (or its leave) until its peers are freed too
of many hosts, both are those of the slowest; "-" means nothing to measure
`

// report prints the table, and fails if a scenario did.
func report(w io.Writer, results []result, asJSON bool) error {
	ok := true
	_, _ = fmt.Fprintf(w, "\n%-17s %-7s %12s %11s  %s\n", "scenario", "verdict", "detect", "lag", "detail")
	for _, r := range results {
		verdict := "ok"
		if !r.OK {
			ok, verdict = false, "FAILED"
		}
		_, _ = fmt.Fprintf(w, "%-17s %-7s %12s %11s  %s\n", r.Name, verdict, figure(r.Detect), figure(r.Lag), r.Detail)
	}
	_, _ = fmt.Fprint(w, legend)
	if asJSON {
		if err := json.NewEncoder(w).Encode(map[string]any{"ok": ok, "scenarios": results}); err != nil {
			return err
		}
	}
	if !ok {
		return errFailed
	}
	return nil
}

func figure(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", ms)
}
