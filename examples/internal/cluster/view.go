package cluster

// list returns the hosts that are listed by a scheduler, and for each whether all of them list it.
// It returns nil if one does not answer.
func (t *trial) list() map[string]bool {
	var common map[string]bool
	for _, s := range t.live() {
		listed := s.api.list(t.ctx)
		if listed == nil {
			return nil
		}
		if common == nil {
			common = listed
			continue
		}
		intersect(common, listed)
	}
	return common
}

// intersect adds the hosts that only one list has to the common list, as false.
func intersect(common, listed map[string]bool) {
	for host := range common {
		common[host] = common[host] && listed[host]
	}
	for host := range listed {
		if _, ok := common[host]; !ok {
			common[host] = false
		}
	}
}

// freed says whether StatPeer finds none of a host's peers, at any scheduler.
func (t *trial) freed(host string, peers int) bool {
	for _, s := range t.live() {
		if !s.api.freed(t.ctx, host, peers) {
			return false
		}
	}
	return true
}

// registered says whether StatPeer finds all of a host's peers, at one scheduler.
func (t *trial) registered(host string, peers int) bool {
	for _, s := range t.live() {
		if s.api.registered(t.ctx, host, peers) {
			return true
		}
	}
	return false
}

// listedByAll returns the number of hosts that all schedulers list.
func (t *trial) listedByAll() (n int) {
	for _, byAll := range t.list() {
		n += count(byAll)
	}
	return n
}

// hasSeen says whether all schedulers have logged a departure.
func (t *trial) hasSeen(d line) bool { return d.schedulers() >= len(t.live()) }

// seenByAll says whether all schedulers have logged all departures but the first ones.
func (t *trial) seenByAll(from int) bool {
	for _, d := range t.log.departures(from) {
		if !t.hasSeen(d) {
			return false
		}
	}
	return true
}
