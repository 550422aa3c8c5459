package sim

// Network is the network, for tests that compute arrivals.
type Network struct{ n network }

// NetworkOf is that of a Config.
func NetworkOf(c *Config) Network { return Network{newNetwork(c)} }

// Send is when a contact arrives.
func (n Network) Send(host int32, at int64) (int64, bool) { return n.n.send(host, at) }

// Phase is how long after a host's first moment its first heartbeat is sent.
func (n Network) Phase(host int32, interval int64) int64 { return n.n.phase(host, interval) }

// Agenda is the agenda.
type Agenda = agenda

// NewAgenda makes one.
var NewAgenda = newAgenda

// Add adds a host.
func (a *agenda) Add(host int32, due int64) { a.add(host, due) }

// Take takes the next one.
func (a *agenda) Take() (host int32, due int64, ok bool) {
	e, ok := a.take()
	return e.host, e.due, ok
}

// Detections are all detection times, in order.
func (f *Figures) Detections() []int64 { return f.detection }

// StaleMicros is the stale time.
func (f *Figures) StaleMicros() int64 { return f.stale.seconds*1e6 + f.stale.rest }

// StaleFor adds stale time, in nanoseconds.
func (f *Figures) StaleFor(d int64) { f.staleFor(d) }
