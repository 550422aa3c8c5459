package sharing

import (
	"slices"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
)

// A Row is one figure.
type Row struct {
	Engine  string       `json:"engine"`
	Measure string       `json:"measure"`
	About   string       `json:"about"`
	Value   float64      `json:"value"`
	Unit    string       `json:"unit"`
	Limit   *float64     `json:"limit,omitempty"` // nil: there is none
	OK      bool         `json:"ok"`              // it is within the limit, or there is none
	Load    machine.Load `json:"load"`
}

// add adds a row without a limit.
func (b *bench) add(l machine.Load, about string, value float64, unit string) {
	b.rows = append(b.rows, Row{b.kind, b.measure, about, value, unit, nil, true, l})
}

// limited adds a row with a limit for Redis. For etcd there is none.
func (b *bench) limited(l machine.Load, about string, value float64, unit string, limit float64) {
	if b.kind == engine.Redis {
		b.exact(l, about, value, unit, limit)
	} else {
		b.add(l, about, value, unit)
	}
}

// exact adds a row with a limit for both engines.
func (b *bench) exact(l machine.Load, about string, value float64, unit string, limit float64) {
	b.rows = append(b.rows, Row{b.kind, b.measure, about, value, unit, &limit, value <= limit, l})
}

func ms(d time.Duration) float64             { return d.Seconds() * 1e3 }
func us(d time.Duration) float64             { return d.Seconds() * 1e6 }
func percent(part, of time.Duration) float64 { return 100 * float64(part) / float64(of) }

// quantile returns one of sorted durations.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func median[T float64 | time.Duration](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}
