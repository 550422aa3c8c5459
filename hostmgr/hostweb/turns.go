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
	maxMaking = 4               // answers that are made at the same time
	maxInLine = 512             // requests that wait for their turn
	turn      = 5 * time.Second // that they wait for it
)

// Turns bound how many answers are made at the same time, by all requests together: an answer is
// not counted as unsent before it is whole.
type turns struct {
	once   sync.Once
	taken  chan struct{}
	inLine atomic.Int64
}

// take waits for a turn, or fails: when ctx ends, when it has waited for too long, and at once when
// too many wait already, for each of them holds what its answer is made of.
func (t *turns) take(ctx context.Context, c clock.Clock) error {
	t.once.Do(func() { t.taken = make(chan struct{}, maxMaking) })
	select {
	case t.taken <- struct{}{}:
		return nil
	default:
	}
	defer t.inLine.Add(-1)
	if t.inLine.Add(1) > maxInLine {
		return errBusy
	}
	select {
	case t.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.After(turn):
		return errBusy
	}
}

func (t *turns) give() { <-t.taken }

// answer makes a whole answer when it is its turn, and sends it when that is over: a client that
// reads slowly keeps no turn.
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

// built returns an answer that is counted as unsent.
func (h *Handler[M]) built(r *http.Request, build func() ([]byte, error)) ([]byte, error) {
	if err := h.turns.take(r.Context(), h.clock()); err != nil {
		return nil, err
	}
	defer h.turns.give()
	body, err := build()
	if err != nil || r.Method == http.MethodHead {
		return nil, err
	}
	if !h.unsent.take(len(body)) {
		return nil, errOverloaded
	}
	return body, nil
}
