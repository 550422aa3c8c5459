package hostprom

import "github.com/prometheus/client_golang/prometheus"

var hostsDesc = prometheus.NewDesc("hostlife_hosts",
	"Hosts that are there: held though they are due, else suspect, else unsuspected.",
	[]string{"registry", "zone", "state"}, nil)

// A crowd is how many hosts of a zone are in which state. The states exclude each other, so that
// their sum is the number of hosts.
type crowd struct{ unsuspected, suspect, held int }

// collectHosts counts hosts by zone and state.
func collectHosts(ch chan<- prometheus.Metric, s *stats, registry string) {
	for zone, c := range crowds(s) {
		for state, n := range map[string]int{"unsuspected": c.unsuspected, "suspect": c.suspect, "held": c.held} {
			ch <- prometheus.MustNewConstMetric(hostsDesc, prometheus.GaugeValue, float64(n), registry, zone, state)
		}
	}
}

// crowds are those of each zone. Hosts may call their zones what they like: those whose names are
// the same once they are valid are one, for the same series twice would fail the scrape. The zone
// without a name is always there, so that an empty registry shows that it is empty.
func crowds(s *stats) map[string]crowd {
	all := map[string]crowd{"": {}}
	for _, z := range s.Zones {
		c := all[valid(z.Name)]
		c.unsuspected += z.Hosts - z.Suspects
		c.suspect += z.Suspects - z.Held
		c.held += z.Held
		all[valid(z.Name)] = c
	}
	return all
}
