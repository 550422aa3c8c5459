// Package report shows what was measured: as tables for people, as rows for programs.
package report

// A Row is one figure: what one peer did in one measure.
type Row struct {
	Measure string  `json:"measure"`
	Peer    string  `json:"peer"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
}
