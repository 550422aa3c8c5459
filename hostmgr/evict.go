package hostmgr

import (
	"context"
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

const maxJudgement = 1 << 10 // bytes

// Evict ends the registration of a host by the judgement of the embedder: a health check has
// failed, or an operator decides. The departure is a DepartureEvicted. Evidence.Judgement and
// Departure.Reason have the reason, of 1 to 1024 bytes, and the Recorder gets it too.
//
// Evict waits for the cleanup as Leave does, and returns the same errors. An error that wraps
// ErrInvalid means that the reason is empty or too long, and that nothing was changed. Incarnation
// 0 means the current registration.
//
// The EvictionLimit and Config.Confirm do not apply. Stats.Departures counts the eviction, but the
// EvictionLimit does not count the host as missing, and Stats.Latency.Detection ignores it, because
// it says nothing about silence.
//
// Evict does not keep the host out. A host that is alive gets ErrUnknownHost for its next
// heartbeat, announces itself, and joins again. Then it counts in Stats.RejoinedAfterEviction and
// Stats.Flapping as after any eviction. ForgetFor keeps a host out, but runs no cleanup.
func (r *Registry[M]) Evict(ctx context.Context, id string, incarnation uint64, reason string) error {
	if n := len(reason); n == 0 || n > maxJudgement {
		return fmt.Errorf("%w: a reason of %d bytes, 1 to %d are allowed", ErrInvalid, n, maxJudgement)
	}
	x := &ending[M]{r: r, id: id, incarnation: incarnation, kind: DepartureEvicted, judgement: reason}
	return x.endAndAwait(ctx)
}

// judge ends a registration that the embedder evicts, and returns the assessment for its departure.
// The caller holds the lock.
func (x *ending[M]) judge(s *state[M], e index.Entry, now int64) *assessment {
	a := &assessment{judgement: x.judgement}
	e.End()
	s.assess(a, e, now)
	s.shadow.evicted(e, a, now)
	return a
}
