package replay

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// shared is a buffer for two goroutines.
type shared struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// Nothing is said for two seconds, then more and more seldom, and nothing after the end.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out shared
		stop := watch(&out, func() string { return "so far" })
		lines := func() int { synctest.Wait(); return strings.Count(out.String(), "replay: so far\n") }
		time.Sleep(2*time.Second - 1)
		require.Equal(t, 0, lines())
		time.Sleep(time.Nanosecond)
		require.Equal(t, 1, lines())
		time.Sleep(time.Minute)
		require.Equal(t, 9, lines())
		stop()
		time.Sleep(time.Minute)
		require.Equal(t, 9, lines())
	})
}
