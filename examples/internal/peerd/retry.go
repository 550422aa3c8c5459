package peerd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A refusal is an answer after which repeating an announce cannot help. It ends its host, and no
// other one.
type refusal struct {
	host string
	err  error
}

func (r *refusal) Error() string { return fmt.Sprintf("%s is refused: %v", r.host, r.err) }
func (r *refusal) Unwrap() error { return r.err }

// announceUntilAnswered repeats an announce that fails, for as long as it takes, and returns when
// the last attempt began. Its error is a refusal. An attempt may take a quarter of the interval.
// The pauses have jitter and grow from a 16th of the interval to the longest that longestPause
// allows.
func (h *host) announceUntilAnswered(ctx, calls context.Context) (began time.Time, err error) {
	pause := h.interval / 16
	for {
		began, err = h.call(calls, max(h.interval/4, 20*time.Millisecond), h.announce)
		if err == nil {
			return began, nil
		}
		if h.isFinal(err) {
			return began, &refusal{h.id, err}
		}
		h.warn(err)
		if !wait(ctx, time.Now().Add(pause/2+rand.N(pause))) {
			return began, nil
		}
		h.line.hurry(h.interval)
		pause = min(2*pause, longestPause(err, h.interval))
	}
}

// isFinal tells whether repeating cannot help. There are two such answers:
//
//   - The scheduler refuses the host as invalid.
//   - The scheduler knows a newer incarnation, and this host had joined. So a newer process has the
//     id now, and this process would only disturb it.
//
// A host that has not joined yet waits for the newer incarnation to go. Its clock may have gone
// back, and the newer incarnation may be its own former process, which the scheduler evicts soon.
func (h *host) isFinal(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument:
		return true
	case codes.FailedPrecondition:
		return h.joined
	default:
		return false
	}
}

// longestPause is the limit of the pauses between attempts. It is a quarter of the interval, so that
// there are a few attempts before a timeout of two intervals passes. It is the whole interval if the
// scheduler has no room, or if another process or machine has the id: more attempts would only add
// to its load.
func longestPause(err error, interval time.Duration) time.Duration {
	switch status.Code(err) {
	case codes.ResourceExhausted, codes.FailedPrecondition, codes.AlreadyExists:
		return interval
	default:
		return interval / 4
	}
}
