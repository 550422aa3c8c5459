package schedulerd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Lives and incarnations need all 64 bits: as numbers of JSON most readers would round them.
func TestTheLogHasLargeNumbersAsStrings(t *testing.T) {
	const large = "9007199254740993" // 2^53 + 1
	s := start(t, "-v", "-log", "json")
	s.mustAnnounce(as(t, large), "h", time.Minute)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"msg":"joined"`) }, patient, time.Millisecond)
	require.NoError(t, s.leave(as(t, large), "h"))
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), `"msg":"departed"`) }, patient, time.Millisecond)
	require.Equal(t, 2, strings.Count(s.log.String(), `"incarnation":"`+large+`"`), s.log)
	require.Equal(t, 2, strings.Count(s.log.String(), `"life":"`), s.log)
}
