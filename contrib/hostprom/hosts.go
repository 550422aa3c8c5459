package hostprom

import "github.com/prometheus/client_golang/prometheus"

var hostsDesc = prometheus.NewDesc("hostlife_hosts",
	"Hosts by state: held (due for eviction but held), suspect (suspect or due, and not held) or unsuspected.",
	[]string{"registry", "zone", "state"}, nil)

// stateCounts are the numbers of hosts of one zone. Each host is in one state, so their sum is the
// number of hosts.
type stateCounts struct{ unsuspected, suspect, held int }

// collectHosts counts hosts by zone and state.
func collectHosts(ch chan<- prometheus.Metric, s *stats, registry string) {
	for zone, c := range countZones(s) {
		for state, n := range map[string]int{"unsuspected": c.unsuspected, "suspect": c.suspect, "held": c.held} {
			ch <- prometheus.MustNewConstMetric(hostsDesc, prometheus.GaugeValue, float64(n), registry, zone, state)
		}
	}
}

// countZones counts the hosts of each zone. Hosts choose the names of their zones. Zones whose
// names become equal in valid count as one, because a duplicate series would fail the scrape. The
// zone without a name is always present, so an empty registry exposes zeros.
func countZones(s *stats) map[string]stateCounts {
	all := map[string]stateCounts{"": {}}
	for _, z := range s.Zones {
		c := all[valid(z.Name)]
		c.unsuspected += z.Hosts - z.Suspects
		c.suspect += z.Suspects - z.Held
		c.held += z.Held
		all[valid(z.Name)] = c
	}
	return all
}
