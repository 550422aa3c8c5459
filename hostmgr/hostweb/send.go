package hostweb

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	stuck     = 10 * time.Second // that a client may take for an answer or an update, or to send a request
	maxUnsent = 64 << 20         // bytes
)

var (
	errOverloaded = errors.New("too many answers are waiting to be read")
	errBusy       = errors.New("too many answers are being made")
)

// A load is how many bytes of answers and updates all clients together have not taken yet.
type load struct{ bytes atomic.Int64 }

func (l *load) take(n int) bool {
	if l.bytes.Add(int64(n)) <= maxUnsent {
		return true
	}
	l.give(n)
	return false
}

func (l *load) give(n int) { l.bytes.Add(-int64(n)) }

// send writes a whole answer, or none for HEAD. The client may be gone, and that is no error here.
func (h *Handler[M]) send(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	if srv := serverOf(r); srv == nil || srv.WriteTimeout <= 0 {
		_ = limitWrite(http.NewResponseController(w))
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// limitWrite sets a deadline for what is written next. It is the kernel's, whatever the time is on
// the handler's clock; a writer that knows of none does without. After the answer net/http removes it.
func limitWrite(out *http.ResponseController) error {
	err := out.SetWriteDeadline(clock.System().Now().Add(stuck))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// limitBody has a request with a body be the last of its connection: net/http reads the body, or
// waits for it, before it sends the answer, and without a ReadTimeout for ever.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	if srv := serverOf(r); srv == nil || srv.ReadTimeout <= 0 {
		_ = http.NewResponseController(w).SetReadDeadline(clock.System().Now().Add(stuck))
	}
}

// serverOf is the server that a request came to, whose own timeouts are left as they are; nil if it
// is not one of net/http.
func serverOf(r *http.Request) *http.Server {
	srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return srv
}
