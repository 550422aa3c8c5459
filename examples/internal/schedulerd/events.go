package schedulerd

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"

	"github.com/hostlife/hostlife/hostmgr"
)

// watch logs how hosts come and fall silent. How they go is logged by cleanup,
// which knows more.
func (s *Server) watch(ctx context.Context) {
	for e := range s.hosts.Watch(ctx) {
		switch e.Kind {
		case hostmgr.Joined, hostmgr.Suspected, hostmgr.Recovered:
			s.log.Info(e.Kind.String(), "host", e.Host.ID, "reason", eventReason(e), "life", decimal(e.Host.Life),
				"incarnation", decimal(e.Host.Incarnation), "interval", e.Host.Interval)
		case hostmgr.Missed:
			s.log.Warn("missed", "events", e.Missed)
		}
	}
}

// decimal is a number as a string: most that reads JSON rounds one beyond 2^53.
func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// eventReason says why a host's state is another one.
func eventReason(e hostmgr.Event[*commonv2.Host]) string {
	switch e.Kind {
	case hostmgr.Joined:
		return "it announced itself"
	case hostmgr.Recovered:
		return "it was heard again"
	default:
		return fmt.Sprintf("silent since %s", e.Host.LastSeen.Format(time.RFC3339Nano))
	}
}

// cleanup frees the peers of a departed host. The registry repeats it until it
// succeeds, so a second line for one life would be a second cleanup.
func (s *Server) cleanup(_ context.Context, d hostmgr.Departure[*commonv2.Host]) error {
	begun := time.Now()
	freed := s.peers.free(d.Host.ID, d.Host.Life)
	if s.verbose {
		s.logDeparture(d, freed, begun)
	}
	return nil
}

func (s *Server) logDeparture(d hostmgr.Departure[*commonv2.Host], freed int, begun time.Time) {
	now := time.Now()
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "departed",
		slog.String("host", d.Host.ID),
		slog.String("kind", d.Kind.String()),
		slog.String("reason", d.Reason(d.Kind)),
		slog.String("life", decimal(d.Host.Life)),
		slog.String("incarnation", decimal(d.Host.Incarnation)),
		slog.Time("last_seen", d.Host.LastSeen),
		slog.Time("deadline", d.Host.EvictAt),
		slog.Time("at", d.At),
		slog.Time("cleaned", now),
		slog.Duration("silence", d.Silence),
		slog.Duration("patience", d.Patience),
		slog.Duration("excused", d.Excused),
		slog.Duration("cleanup", now.Sub(begun)),
		slog.Int("freed", freed),
		slog.Int("attempt", d.Attempt))
}

// logStatus logs what the scheduler holds. It collects garbage first, twice:
// the first time leaves what is pooled.
func (s *Server) logStatus() {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	st := s.hosts.Stats()
	s.log.Info("status", "hosts", st.Hosts, "peers", s.peers.len(), "heap", m.HeapAlloc,
		"goroutines", runtime.NumGoroutine(), "joins", st.Joins, "left", st.Left,
		"evicted", st.Evicted, "replaced", st.Replaced, "pending", st.CleanupPending, "stalls", st.Stalls, "excused", st.Excused)
}
