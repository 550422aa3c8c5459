package hostweb_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

type updateAnswer struct {
	All        bool
	Stats      *statsAnswer
	Points     []pointAnswer
	Departures []departureAnswer
	Missed     int
}

// A viewer is a stream that the test reads from. Writes of the handler block until it reads.
type viewer struct {
	t       testing.TB
	code    int
	header  http.Header
	pipe    *io.PipeWriter
	body    *bufio.Reader
	expires time.Time
	close   context.CancelFunc
	done    chan struct{}
}

func (v *viewer) Header() http.Header                { return v.header }
func (v *viewer) WriteHeader(code int)               { v.code = code }
func (v *viewer) Write(b []byte) (int, error)        { return v.pipe.Write(b) }
func (v *viewer) Flush()                             {}
func (v *viewer) SetWriteDeadline(t time.Time) error { v.expires = t; return nil }

// view opens a stream, in a bubble, and waits until its handler watches.
func view(t testing.TB, h http.Handler) *viewer { return request(t, h, "/events") }

// request asks, in a bubble, and waits until there is an answer, which is to be read.
func request(t testing.TB, h http.Handler, target string) *viewer {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	v := &viewer{t: t, header: http.Header{}, pipe: w, body: bufio.NewReader(r), done: make(chan struct{})}
	v.close = func() { // as net/http does: writing fails, too
		cancel()
		_ = r.CloseWithError(io.ErrClosedPipe)
		<-v.done
	}
	go func() {
		defer close(v.done)
		h.ServeHTTP(v, httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx))
	}()
	synctest.Wait()
	return v
}

// next waits for an update and reads it.
func (v *viewer) next() (u updateAnswer) {
	v.t.Helper()
	for _, want := range []string{"event: update\n", "data: ", "\n"} {
		line, err := v.body.ReadString('\n')
		require.NoError(v.t, err)
		require.True(v.t, strings.HasPrefix(line, want), "%q does not begin with %q", line, want)
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(v.t, json.Unmarshal([]byte(data), &u))
		}
	}
	return u
}

// departure waits for one.
func (v *viewer) departure() departureAnswer {
	v.t.Helper()
	for {
		if u := v.next(); len(u.Departures) > 0 {
			return u.Departures[0]
		}
	}
}

// live is a registry that runs, in a bubble, and its page.
func live(t *testing.T, cfg hostmgr.Config[string], test func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string])) {
	synctest.Test(t, func(t *testing.T) {
		r, err := hostmgr.New(cfg)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		test(t, r, &hostweb.Handler[string]{Registry: r, Describe: func(s string) string { return s }})
		stop()
		if err := <-ended; err != nil {
			require.ErrorIs(t, err, hostmgr.ErrCleanupPending) // some tests leave cleanups undone
		}
	})
}

func join(t testing.TB, r *hostmgr.Registry[string], id string) {
	t.Helper()
	_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Zone: "z", Interval: second, Metadata: "data of " + id})
	require.NoError(t, err)
}
