package hostprom

import "github.com/prometheus/client_golang/prometheus"

// A zone is what is counted by zone. Each of its hosts is in one state.
type zone struct {
	unsuspected, suspect, held         int
	left, evicted, replaced, forgotten uint64
}

// inZone describes a metric of a zone. more is the name and the value of a constant label.
func inZone(name, help string, more ...string) *prometheus.Desc {
	return describe(name, help, []string{"registry", "zone"}, more)
}

func hosts(state string) *prometheus.Desc {
	return inZone("hosts", "Hosts by state: held (due for eviction but held), suspect (suspect or due, and not held) or unsuspected.", "state", state)
}

func departed(kind string) *prometheus.Desc {
	return inZone("departures_total", "Registrations that ended, by zone. Kind left is the normal end, evicted the abnormal one.", "kind", kind)
}

// zoneFigures are all metrics of a zone.
var zoneFigures = []figure[zone]{
	gauge(hosts("unsuspected"), func(z *zone) int { return z.unsuspected }),
	gauge(hosts("suspect"), func(z *zone) int { return z.suspect }),
	gauge(hosts("held"), func(z *zone) int { return z.held }),
	counter(departed("left"), func(z *zone) uint64 { return z.left }),
	counter(departed("evicted"), func(z *zone) uint64 { return z.evicted }),
	counter(departed("replaced"), func(z *zone) uint64 { return z.replaced }),
	counter(departed("forgotten"), func(z *zone) uint64 { return z.forgotten }),
}

func collectZones(ch chan<- prometheus.Metric, s *stats, registry string) {
	for name, z := range countZones(s) {
		collect(ch, zoneFigures, z, registry, name)
	}
}

// countZones returns the figures of each zone. Hosts choose the names of their zones. Zones whose
// names become equal in valid count as one, because a duplicate series would fail the scrape. The
// zone without a name is always present, so an empty registry exposes zeros.
func countZones(s *stats) map[string]*zone {
	all := map[string]*zone{"": {}}
	for i := range s.Zones {
		of := &s.Zones[i]
		name := valid(of.Name)
		if all[name] == nil {
			all[name] = &zone{}
		}
		z := all[name]
		z.unsuspected += of.Hosts - of.Suspects
		z.suspect += of.Suspects - of.Held
		z.held += of.Held
		z.left += of.Departures.Left
		z.evicted += of.Departures.Evicted
		z.replaced += of.Departures.Replaced
		z.forgotten += of.Departures.Forgotten
	}
	return all
}
