package hostmgr

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/internal/evictlimit"
)

const (
	maxTrend    = 600 // samples
	trendPeriod = int64(time.Second)
)

// A trend has the figures for each of the last 600 seconds in which a sweep began. The registry's lock
// guards it.
type trend struct{ ring[moment] }

// A moment has the figures at one moment. It is smaller than Stats, because 600 are kept.
type moment struct {
	at                    int64
	hosts, suspects, held int
	ended                 [evictlimit.Kinds]uint64 // by DepartureKind

	joins, rejoined, refused, conflicts               uint64
	suspected, recovered                              uint64
	confirmFailures, confirmTimeouts                  uint64
	cleanupFailures, cleanupTimeouts, cleanupsGivenUp uint64
	recordsLost, recorderFailures, stalls             uint64
}

func (t *trend) due(now int64) bool { return t.next == 0 || now-t.last().at >= trendPeriod }

func (t *trend) add(x moment) { t.push(x, maxTrend) }
