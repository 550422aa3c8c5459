package schedulerd

import (
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr"
)

// What the registry takes, save for hostmgr.Never: a client must not make itself a host that stays
// for ever.
const (
	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
)

// intervals reads the intervals that hosts name. Dragonfly takes any, and a daemon whose announce is
// refused does not start. So an interval that the registry would refuse is changed, and logged.
type intervals struct {
	log  *slog.Logger
	thin cli.Thinner
}

// take returns the interval of an announce; 0 if it names none.
func (i *intervals) take(host string, named *durationpb.Duration) time.Duration {
	if named == nil {
		return 0
	}
	interval := named.AsDuration()
	taken := inRange(interval)
	if taken != interval {
		if n := i.thin.Due(time.Now()); n > 0 {
			i.log.Warn("an interval out of range was changed", "host", host, "named", interval, "taken", taken, "announces", n)
		}
	}
	return taken
}

// inRange returns the nearest interval that the registry takes. An interval that is not positive
// says nothing about when the host will be heard again, so it is taken for the default.
func inRange(interval time.Duration) time.Duration {
	if interval <= 0 {
		return hostmgr.DefaultInterval
	}
	return min(max(interval, minInterval), maxInterval)
}
