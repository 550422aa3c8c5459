package hostprom

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

var buildDesc = describe("build_info", "1, labelled by the version of hostlife and of Go that the program was built with.", []string{"version", "goversion"}, nil)

// build is the metric of the program. It never changes.
var build = sync.OnceValue(func() prometheus.Metric {
	info, _ := debug.ReadBuildInfo()
	return prometheus.MustNewConstMetric(buildDesc, prometheus.GaugeValue, 1, valid(version(info)), runtime.Version())
})

// version returns the version of hostlife in a program: (devel) if its source is a directory, and
// unknown if the program does not say. A replaced module has the version of its replacement.
func version(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != "github.com/hostlife/hostlife" {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version != "" {
			return m.Version
		}
	}
	return "unknown"
}
