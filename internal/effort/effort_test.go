package effort

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTimes(t *testing.T) {
	for _, x := range []struct {
		long, ci   string
		few, times int
	}{
		{"", "", 300, 100}, {"", "", 20, 10}, {"", "", 2, 2}, {"", "true", 30, 30}, {"1", "true", 30, 500}, {"1", "", 30, 500},
	} {
		t.Setenv("HOSTLIFE_LONG", x.long)
		t.Setenv("CI", x.ci)
		require.Equal(t, x.times, Times(x.few, 500), "%+v", x)
	}
}
