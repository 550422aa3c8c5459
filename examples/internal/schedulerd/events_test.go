package schedulerd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Registrations and incarnations need all 64 bits: most readers would round them as numbers of JSON.
func TestTheLogHasLargeNumbersAsStrings(t *testing.T) {
	const large = "9007199254740993" // 2^53 + 1
	s := start(t, "-v", "-log", "json")
	s.mustAnnounce(as(t, large), "h", time.Minute)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"msg":"joined"`) }, longWait, time.Millisecond)
	require.NoError(t, s.leave(as(t, large), "h"))
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"msg":"departed"`) }, longWait, time.Millisecond)
	require.Equal(t, 2, strings.Count(s.log.String(), `"incarnation":"`+large+`"`), s.log)
	require.Equal(t, 2, strings.Count(s.log.String(), `"registration":"`), s.log)
}
