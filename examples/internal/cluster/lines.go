package cluster

import "slices"

func (g *log) address(s *source) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return s.listening
}

func (g *log) page(s *source) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return s.pageURL
}

// forget forgets the addresses of a scheduler that is started again.
func (g *log) forget(s *source) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.listening, s.pageURL = "", ""
}

func (g *log) lastAnnounce(host string) (l line) {
	if all := g.announces(host); len(all) > 0 {
		l = all[len(all)-1]
	}
	return l
}

// announces returns the latest announces of a host that a scheduler has accepted.
func (g *log) announces(host string) []line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.announced[host])
}

// lastRegistered returns the line about the peers that a host registered last.
func (g *log) lastRegistered(host string) line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.registered[host]
}

// departedSoFar returns the number of departures.
func (g *log) departedSoFar() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.departed)
}

// departures returns the departures but the first ones, in the order in which they were logged.
func (g *log) departures(from int) []line {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.departed[from:])
}

// of returns the departures of a host.
func (g *log) of(host string) (ds []line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range g.index[host] {
		ds = append(ds, g.departed[i])
	}
	return ds
}

// departuresSeen returns the number of departures that each scheduler has logged.
func (g *log) departuresSeen() (n []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sources {
		n = append(n, s.departures)
	}
	return n
}

// sharedCleanups returns those of each scheduler.
func (g *log) sharedCleanups() (all [][]line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sources {
		all = append(all, s.shared[:len(s.shared):len(s.shared)])
	}
	return all
}

// statusAfter returns the status that follows the first n of a scheduler, if there is one.
func (g *log) statusAfter(s *source, n int) (line, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n >= len(s.statuses) {
		return line{}, false
	}
	return s.statuses[n], true
}

func (g *log) statusCount(s *source) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(s.statuses)
}
