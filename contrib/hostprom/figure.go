package hostprom

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hostlife/hostlife/histogram"
)

// A figure is one metric of an S: its description, and how to read it. Labels other than the
// owner's name are constant, and part of the description.
type figure[S any] struct {
	desc *prometheus.Desc
	read func(s *S, owner []string) prometheus.Metric
}

func collect[S any](ch chan<- prometheus.Metric, figures []figure[S], s *S, owner ...string) {
	for _, f := range figures {
		ch <- f.read(s, owner)
	}
}

// A number is a type that Stats count in.
type number interface{ int | uint64 | float64 }

func counter[S any, N number](d *prometheus.Desc, of func(*S) N) figure[S] {
	return value(d, prometheus.CounterValue, of)
}

func gauge[S any, N number](d *prometheus.Desc, of func(*S) N) figure[S] {
	return value(d, prometheus.GaugeValue, of)
}

func value[S any, N number](d *prometheus.Desc, kind prometheus.ValueType, of func(*S) N) figure[S] {
	return figure[S]{d, func(s *S, owner []string) prometheus.Metric {
		return prometheus.MustNewConstMetric(d, kind, float64(of(s)), owner...)
	}}
}

func spread[S any, T histogram.Number](d *prometheus.Desc, bounds []float64, of func(*S) histogram.Snapshot[T]) figure[S] {
	return figure[S]{d, func(s *S, owner []string) prometheus.Metric {
		return &distribution{d, owner, distribute(of(s), bounds)}
	}}
}

// A distribution is a histogram as a prometheus.Metric. The const histograms of client_golang are
// either classic or native, not both.
type distribution struct {
	desc  *prometheus.Desc
	owner []string
	of    *dto.Histogram
}

func (d *distribution) Desc() *prometheus.Desc { return d.desc }

func (d *distribution) Write(m *dto.Metric) error {
	m.Label, m.Histogram = prometheus.MakeLabelPairs(d.desc, d.owner), d.of
	return nil
}
