package hostweb

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	maxSlots  = 4               // answers that are made at a time
	maxQueued = 512             // requests that wait for a slot
	maxWait   = 5 * time.Second // for a slot
)

// slots bound how many answers are made at a time by all requests together. An answer counts as
// unsent only when it is complete, so its memory must be bounded before.
type slots struct {
	once   sync.Once
	taken  chan struct{}
	queued atomic.Int64
}

// take waits for a slot. It fails if ctx ends, if it has waited for too long, and at once if too many
// requests wait, because each of them holds the data of its answer.
func (t *slots) take(ctx context.Context, c clock.Clock) error {
	t.once.Do(func() { t.taken = make(chan struct{}, maxSlots) })
	select {
	case t.taken <- struct{}{}:
		return nil
	default:
	}
	defer t.queued.Add(-1)
	if t.queued.Add(1) > maxQueued {
		return errBusy
	}
	select {
	case t.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.After(maxWait):
		return errBusy
	}
}

func (t *slots) give() { <-t.taken }

// answer makes a whole answer in a slot, and sends it after giving the slot back: a client that reads
// slowly occupies no slot.
func (h *Handler[M]) answer(w http.ResponseWriter, r *http.Request, kind string, build func() ([]byte, error)) {
	body, err := h.built(r, build)
	switch {
	case err == nil:
		defer h.unsent.give(len(body))
		h.send(w, r, http.StatusOK, kind, body)
	case errors.Is(err, errBusy) || errors.Is(err, errOverloaded):
		h.refuse(w, r, err)
	case r.Context().Err() != nil: // the client is gone
		h.fail(w, r, http.StatusServiceUnavailable, err.Error())
	default:
		h.fail(w, r, http.StatusInternalServerError, err.Error())
	}
}

// built makes an answer and counts it as unsent.
func (h *Handler[M]) built(r *http.Request, build func() ([]byte, error)) ([]byte, error) {
	if err := h.slots.take(r.Context(), h.clock()); err != nil {
		return nil, err
	}
	defer h.slots.give()
	body, err := build()
	if err != nil || r.Method == http.MethodHead {
		return nil, err
	}
	if !h.unsent.take(len(body)) {
		return nil, errOverloaded
	}
	return body, nil
}
