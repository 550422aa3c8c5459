package replay

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Nothing is said for two seconds, then more and more seldom, and nothing after the end.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		stop := watch(&out, func() string { return "so far" })
		lines := func() int { synctest.Wait(); return bytes.Count(out.Bytes(), []byte("replay: so far\n")) }
		time.Sleep(2*time.Second - 1)
		require.Equal(t, 0, lines())
		time.Sleep(1)
		require.Equal(t, 1, lines())
		time.Sleep(time.Minute)
		require.Equal(t, 9, lines())
		stop()
		time.Sleep(time.Minute)
		require.Equal(t, 9, lines())
	})
}
