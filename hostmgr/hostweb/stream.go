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
	pace    = 200 * time.Millisecond // from update to update, at least
	stay    = 2 * time.Minute        // that a stream lasts; a viewer that is there opens another one
	tooMany = "10"                   // seconds until it may be worth to try again
)

// events streams updates until the request's context ends, or the viewer takes none any more. One
// that is dead, or does not read, can't be told from one that reads as long as the kernel has room
// for what is written, which may be for many minutes. So each stream ends after a while, and a new
// viewer takes the place of the one that has been there for longest.
func (h *Handler[M]) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		h.send(w, r, http.StatusOK, "text/event-stream", nil)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	place := h.join(stop)
	if place == nil {
		w.Header().Set("Retry-After", tooMany)
		h.fail(w, r, http.StatusServiceUnavailable, "too many are looking already")
		return
	}
	defer h.feed.leave(place)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it all to itself
	w.WriteHeader(http.StatusOK)
	h.stream(ctx, w)
}

// stream sends what is new until ctx ends, or it has lasted for long enough.
func (h *Handler[M]) stream(ctx context.Context, w http.ResponseWriter) {
	out := http.NewResponseController(w)
	over := h.clock().After(stay)
	for v := (seen{}); ; {
		u, more := h.feed.news(&v, h.now())
		body, err := json.Marshal(u)
		if err != nil || h.write(w, out, "update", body) != nil {
			return
		}
		switch h.wait(ctx, more, over) {
		case ended:
			return
		case tired:
			_ = h.write(w, out, "again", []byte("{}"))
			return
		}
	}
}

// An outcome is why a wait is over.
type outcome int

const (
	news  outcome = iota // there is something to send
	ended                // the viewer is gone, or has to give way
	tired                // the stream has lasted for long enough
)

// wait returns when there is more, or the stream is over.
func (h *Handler[M]) wait(ctx context.Context, more <-chan struct{}, over <-chan time.Time) outcome {
	select {
	case <-ctx.Done():
		return ended
	case <-h.clock().After(pace):
	}
	select {
	case <-ctx.Done():
		return ended
	case <-over:
		return tired
	case <-more:
		return news
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
