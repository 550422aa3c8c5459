package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A recorder is a test that fails without ending. Only its own goroutine may use it, and not after
// its end, as with a testing.T.
type recorder struct {
	testing.TB
	own string // goroutine

	mu       sync.Mutex // guards the fields below
	failures []string
	logs     []string
	skipped  string
	over     bool
	misused  []string
}

// record runs a test with a recorder, on a goroutine of its own, which FailNow may end. It returns
// when calls that hang have returned, too.
func record(t *testing.T, test func(*recorder)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.own = goroutine()
		test(r)
	}()
	<-done
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	time.Sleep(5 * limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Empty(t, r.misused)
	return r
}

// failures returns how a check fails with a Store.
func failures(t *testing.T, s share.Store, check func(*check)) string {
	r := record(t, func(r *recorder) { newCheck(r, s).run(check) })
	return strings.Join(r.failures, "\n")
}

// use is called with each text, with the lock.
func (r *recorder) use(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	switch {
	case r.over:
		r.misused = append(r.misused, "after the end: "+text)
	case goroutine() != r.own:
		r.misused = append(r.misused, "on another goroutine: "+text)
	}
	return text
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, r.use(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, r.use(format, args...))
}

func (r *recorder) Skipf(format string, args ...any) {
	r.mu.Lock()
	r.skipped = r.use(format, args...)
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Log(args ...any)   { r.Logf("%s", fmt.Sprint(args...)) }
func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Skip(args ...any)  { r.Skipf("%s", fmt.Sprint(args...)) }

func (r *recorder) FailNow() {
	r.mu.Lock()
	_ = r.use("FailNow")
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}
