package hostweb

import (
	"reflect"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A departure is the end of one registration, as the page shows it.
type departure struct {
	ID           string  `json:"id"`
	Kind         string  `json:"kind"`
	At           stamp   `json:"at"`
	Zone         string  `json:"zone"`
	Incarnation  uint64  `json:"incarnation,string"`
	Registration uint64  `json:"registration,string"`
	Joined       stamp   `json:"joined"`
	LastContact  stamp   `json:"lastContact"`
	Silence      seconds `json:"silence"`
	Interval     seconds `json:"interval"`
	Timeout      seconds `json:"timeout"`
	StallTime    seconds `json:"stallTime"`
	HeldFor      seconds `json:"heldFor"`
	Hold         string  `json:"hold"`
	About        string  `json:"about"`
	Reason       string  `json:"reason"`
}

// departure describes a departure that the page has been told of.
func (h *Handler[M]) departure(d *hostmgr.Departure[M]) departure {
	shown := departureOf(d)
	h.describe(&texts[M]{[]M{d.Host.Metadata}, []*string{&shown.About}})
	return shown
}

// departures returns the latest departures that the registry has kept, the latest first.
func (h *Handler[M]) departures() []departure {
	list := make([]departure, 0, maxDepartures) // its elements do not move
	var shown texts[M]
	for d := range h.Registry.Departures() {
		if len(list) == maxDepartures {
			break
		}
		list = append(list, departureOf(&d))
		if !reflect.ValueOf(&d.Host.Metadata).Elem().IsZero() { // else it was not kept
			shown.add(d.Host.Metadata, &list[len(list)-1].About)
		}
	}
	h.describe(&shown)
	return list
}

func departureOf[M any](d *hostmgr.Departure[M]) departure {
	shown := departure{
		ID: d.Host.ID, Kind: d.Kind.String(), At: stamp(d.At), Zone: d.Host.Zone,
		Incarnation: d.Host.Incarnation, Registration: d.Host.Registration,
		Joined: stamp(d.Host.Joined), LastContact: stamp(d.Host.LastContact),
		Silence: seconds(d.Silence), Interval: seconds(d.Interval), Timeout: seconds(d.Timeout),
		StallTime: seconds(d.StallTime), HeldFor: seconds(d.HeldFor), Hold: d.Hold.String(),
		Reason: reasonOf(d),
	}
	if d.Judgement == "" { // otherwise the reason says that the host was evicted
		shown.Reason = shown.Kind + ": " + shown.Reason
	}
	return shown
}

// reasonOf is Departure.Reason with durations that a person reads. The exact ones are in the JSON.
func reasonOf[M any](d *hostmgr.Departure[M]) string {
	e := d.Evidence
	for _, v := range []*time.Duration{&e.Silence, &e.StallTime, &e.BeforeRestore, &e.HeldFor, &e.Mean, &e.Deviation} {
		*v = readable(*v)
	}
	return hostmgr.Departure[struct{}]{Kind: d.Kind, Evidence: e}.Reason()
}
