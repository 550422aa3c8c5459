package hostweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	minPause    = 200 * time.Millisecond // between two updates
	maxDuration = 2 * time.Minute        // of a stream; the page then opens another one
	retryAfter  = "10"                   // seconds
)

// events streams updates until the request's context ends, or the client stops reading. As long as the
// kernel buffers what is written, which may be many minutes, a client that is dead or does not read
// looks like one that reads. So each stream ends after a while, and a new viewer replaces the oldest
// one if there are too many.
func (h *Handler[M]) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		h.send(w, r, http.StatusOK, "text/event-stream", nil)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	viewer := h.join(stop)
	if viewer == nil {
		w.Header().Set("Retry-After", retryAfter)
		h.fail(w, r, http.StatusServiceUnavailable, "too many viewers")
		return
	}
	defer h.feed.leave(viewer)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // otherwise nginx would buffer the stream
	w.WriteHeader(http.StatusOK)
	h.stream(ctx, w)
}

// stream sends updates until ctx ends, or for maxDuration.
func (h *Handler[M]) stream(ctx context.Context, w http.ResponseWriter) {
	out := http.NewResponseController(w)
	over := h.clock().After(maxDuration)
	for v := (seen{}); ; {
		u, more := h.feed.updateFor(&v, h.now())
		body, err := json.Marshal(u)
		if err != nil || h.write(w, out, "update", body) != nil {
			return
		}
		switch h.wait(ctx, more, over) {
		case ended:
			return
		case expired:
			_ = h.write(w, out, "again", []byte("{}"))
			return
		}
	}
}

// An outcome is why a wait is over.
type outcome int

const (
	changed outcome = iota // there is an update
	ended                  // the viewer is gone, or was replaced
	expired                // maxDuration is over
)

// wait returns when there is an update, or the stream is over.
func (h *Handler[M]) wait(ctx context.Context, more <-chan struct{}, over <-chan time.Time) outcome {
	select {
	case <-ctx.Done():
		return ended
	case <-h.clock().After(minPause):
	}
	select {
	case <-ctx.Done():
		return ended
	case <-over:
		return expired
	case <-more:
		return changed
	}
}

// write sends one event.
func (h *Handler[M]) write(w http.ResponseWriter, out *http.ResponseController, event string, data []byte) error {
	if !h.unsent.take(len(data)) {
		return errOverloaded
	}
	defer h.unsent.give(len(data))
	if err := limitWrite(out); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	if err := out.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
