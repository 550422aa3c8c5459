package eventlog_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// header is the first line of a log that newLog makes.
const header = "\nbegin at=0 version=1;\n"

// writeFunc is a writer that is a function.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

// safeBuffer is a buffer that may be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// reports is what a Log has reported.
type reports struct {
	now    int64 // what Now returns
	hung   int
	failed []uint64
	errs   []error
}

// config is a valid Config whose reports go to out.
func config(w writeFunc, out *reports) eventlog.Config {
	return eventlog.Config{
		Writer: w,
		Header: func(r eventlog.Record) { r.Num("version", 1) },
		Failed: func(records uint64, err error) {
			out.failed, out.errs = append(out.failed, records), append(out.errs, err)
		},
		Hung:  func() { out.hung++ },
		Now:   func() int64 { return out.now },
		Grace: func() <-chan time.Time { return time.After(time.Second) },
	}
}

func newLog(w writeFunc) *eventlog.Log { return eventlog.New(config(w, &reports{})) }

// add adds a record without fields.
func add(l *eventlog.Log, kind string) { l.Begin(kind, 7).End() }

func requireStats(t *testing.T, l *eventlog.Log, records, lost, failures uint64) {
	t.Helper()
	require.Equal(t, eventlog.Stats{Records: records, Lost: lost, Failures: failures}, l.Stats())
}

// onGoroutine calls f on a goroutine that a writer may end, and waits for it.
func onGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
