package hostweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	pace    = 200 * time.Millisecond // from update to update, at least
	stuck   = 10 * time.Second       // that a viewer may take for one
	tooMany = "10"                   // seconds until it may be worth to try again
)

// events streams updates until the request's context ends, or the viewer takes none any more.
func (h *Handler[M]) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		send(w, r, http.StatusOK, "text/event-stream", nil)
		return
	}
	if !h.join() {
		w.Header().Set("Retry-After", tooMany)
		fail(w, r, http.StatusServiceUnavailable, "too many are looking already")
		return
	}
	defer h.feed.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it all to itself
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	for v := (seen{}); ; {
		u, more := h.feed.news(&v, h.now())
		if write(w, out, u) != nil || !h.wait(r.Context(), more) {
			return
		}
	}
}

// wait returns when there is more, or false when ctx has ended.
func (h *Handler[M]) wait(ctx context.Context, more <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-h.clock().After(pace):
	}
	select {
	case <-ctx.Done():
		return false
	case <-more:
		return true
	}
}

// write sends one update. The deadline is the kernel's, whatever the time is on the handler's
// clock; a writer that knows of none does without.
func write(w http.ResponseWriter, out *http.ResponseController, u update) error {
	body, err := json.Marshal(u)
	if err != nil {
		return err
	}
	err = out.SetWriteDeadline(clock.System().Now().Add(stuck))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: update\ndata: %s\n\n", body); err != nil {
		return err
	}
	if err := out.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
