package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	bclock "github.com/benbjohnson/clock"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The fake clocks of other modules are Clocks as they are.
var (
	_ clock.Clock = clock.System()
	_ clock.Clock = (*clock.Mock)(nil)
	_ clock.Clock = (*bclock.Mock)(nil)
	_ clock.Clock = bclock.New()
	_ clock.Clock = (*clockwork.FakeClock)(nil)
	_ clock.Clock = clockwork.NewRealClock()
)

func TestSystemInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.System()
		start := c.Now()

		require.Equal(t, time.Hour, (<-c.After(time.Hour)).Sub(start))
		require.Equal(t, time.Hour, c.Now().Sub(start))
		require.Equal(t, time.Hour, (<-c.After(-time.Second)).Sub(start))
	})
}
