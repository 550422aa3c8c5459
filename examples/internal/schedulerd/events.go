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

// watch logs joins, suspicions and recoveries. cleanup logs departures, because it knows more.
func (s *Server) watch(ctx context.Context) {
	for e := range s.hosts.Watch(ctx) {
		switch e.Kind {
		case hostmgr.EventJoined, hostmgr.EventSuspected, hostmgr.EventRecovered:
			s.log.Info(e.Kind.String(), "host", e.Host.ID, "reason", eventReason(e), "registration", decimal(e.Host.Registration),
				"incarnation", decimal(e.Host.Incarnation), "interval", e.Host.Interval, s.member.keeperOf(e.Host.ID))
		case hostmgr.EventMissed:
			s.log.Warn("missed", "events", e.Missed)
		}
	}
}

// decimal returns a number as a string, because most JSON readers round numbers above 2^53.
func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// eventReason says why a host's state changed.
func eventReason(e hostmgr.Event[*commonv2.Host]) string {
	switch e.Kind {
	case hostmgr.EventJoined:
		return "it announced itself"
	case hostmgr.EventRecovered:
		return "it was heard again"
	default:
		return fmt.Sprintf("silent since %s", e.Host.LastContact.Format(time.RFC3339Nano))
	}
}

// cleanup frees the peers of a departed host. The registry repeats it until it succeeds. So a second
// line about one registration would be a second cleanup.
func (s *Server) cleanup(_ context.Context, d hostmgr.Departure[*commonv2.Host]) error {
	begun := time.Now()
	freed := s.peers.free(d.Host.ID, d.Host.Registration)
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
		slog.String("reason", d.Reason()),
		slog.String("registration", decimal(d.Host.Registration)),
		slog.String("incarnation", decimal(d.Host.Incarnation)),
		slog.Time("last_contact", d.Host.LastContact),
		slog.Time("deadline", d.Host.EvictAt),
		slog.Time("at", d.At),
		slog.Time("cleaned", now),
		slog.Duration("silence", d.Silence),
		slog.Duration("timeout", d.Timeout),
		slog.Duration("stall_time", d.StallTime),
		slog.Duration("cleanup", now.Sub(begun)),
		slog.Int("freed", freed),
		slog.Int("attempt", d.Attempt))
}

// logStatus logs how much the scheduler holds. It collects garbage twice first, because the first
// time leaves pooled memory.
func (s *Server) logStatus() {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	st := s.hosts.Stats()
	s.log.With(s.member.status()...).Info("status", "hosts", st.Hosts, "peers", s.peers.len(), "heap", m.HeapAlloc,
		"goroutines", runtime.NumGoroutine(), "joins", st.Joins, "left", st.Departures.Left,
		"evicted", st.Departures.Evicted, "replaced", st.Departures.Replaced, "pending", st.Cleanup.Pending, "stalls", st.Stalls, "stall_time", st.StallTime)
}
