package hostweb

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	ioTimeout = 10 * time.Second // for reading an answer or an update, and for sending a request
	maxUnsent = 64 << 20         // bytes
)

var (
	errOverloaded = errors.New("too many answers are waiting to be read")
	errBusy       = errors.New("too many answers are being made")
)

// An unsentBytes counts the bytes of answers and updates that clients have not read yet.
type unsentBytes struct{ bytes atomic.Int64 }

func (l *unsentBytes) take(n int) bool {
	if l.bytes.Add(int64(n)) <= maxUnsent {
		return true
	}
	l.give(n)
	return false
}

func (l *unsentBytes) give(n int) { l.bytes.Add(-int64(n)) }

// send writes a whole answer, or only its header for HEAD. It ignores that the client may be gone.
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

// limitWrite sets a deadline for the next writes. The deadline is in the system's time, not in that of
// the handler's clock. Writers without deadlines are left as they are. net/http removes the deadline
// after the answer.
func limitWrite(out *http.ResponseController) error {
	err := out.SetWriteDeadline(clock.System().Now().Add(ioTimeout))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// limitBody makes a request with a body the last one of its connection. net/http reads the body, or
// waits for it, before it sends the answer; without a ReadTimeout it would wait forever.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	if srv := serverOf(r); srv == nil || srv.ReadTimeout <= 0 {
		_ = http.NewResponseController(w).SetReadDeadline(clock.System().Now().Add(ioTimeout))
	}
}

// serverOf returns the server of a request, whose own timeouts apply; nil if it is not a server of
// net/http.
func serverOf(r *http.Request) *http.Server {
	srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return srv
}
