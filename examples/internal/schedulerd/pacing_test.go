package schedulerd_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/wire"
)

// Both versions of the API advise an interval; a v1 host cannot name its own.
func TestTheAnswerTellsTheIntervalThatIsAdvised(t *testing.T) {
	s := start(t, "-pacing", "10s/20s/1")
	for i := range 40 {
		s.mustAnnounce(t.Context(), fmt.Sprint(i), 10*time.Second)
	}
	var header metadata.MD
	_, err := s.v1.AnnounceHost(t.Context(), v1Host("one"), grpc.Header(&header))
	require.NoError(t, err)
	told := wire.ReadAck(header).Interval
	require.True(t, 10*time.Second <= told && told <= 20*time.Second, "%v: joined in a burst", told)

	require.Equal(t, 20*time.Second, s.mustAnnounce(t.Context(), "39", 10*time.Second).Interval)
	_, err = s.v1.AnnounceHost(t.Context(), v1Host("one"), grpc.Header(&header))
	require.NoError(t, err)
	require.Equal(t, 20*time.Second, wire.ReadAck(header).Interval)
}

// What is left out of a pacing has its default, and without one nothing is advised.
func TestPacingFlag(t *testing.T) {
	for _, x := range []struct {
		flag  string
		least time.Duration
		most  time.Duration
	}{
		{"", 7 * time.Second, 7 * time.Second},
		{"//1000", 30 * time.Second, 30 * time.Second},
		{"0/0/1e-9/", 300 * time.Second, 300 * time.Second},
		{"10s//1e-9", 100 * time.Second, 100 * time.Second},
		{"10s/64s/1e-9/0.5", 32 * time.Second, 64*time.Second - 1},
	} {
		s := start(t, "-pacing", x.flag)
		for range 2 { // it is brought there by and by
			s.mustAnnounce(t.Context(), "h", 7*time.Second)
		}
		told := s.mustAnnounce(t.Context(), "h", 7*time.Second).Interval
		require.GreaterOrEqual(t, told, x.least, "%q", x.flag)
		require.LessOrEqual(t, told, x.most, "%q", x.flag)
	}
}

func TestAPacingThatCannotBeMeant(t *testing.T) {
	ended, end := context.WithCancel(t.Context()) // for one that is taken all the same
	end()
	for flag, want := range map[string]string{
		"10s":           "want MIN/MAX/PERSECOND",
		"10s/5m":        "want MIN/MAX/PERSECOND",
		"1s/2s/3/.1/5":  "want MIN/MAX/PERSECOND",
		"10/5m/1":       "MIN: time: missing unit",
		"10s/long/1":    "MAX: time: invalid",
		"10s/5m/many":   "PERSECOND: ",
		"10s/5m/1/some": "JITTER: ",
		"//":            "PERSECOND is missing, or 0",
		"10s/5m/0/0.1":  "PERSECOND is missing, or 0",
		"10s/5m/-1":     "PerSecond is not",
		"10s/5m/NaN":    "PerSecond is not",
		"10s/5m/1/1":    "Jitter is not",
		"5m/10s/1":      "Max 10s is below Min 5m0s",
		"1ms//1":        "between 10ms and 24h",
	} {
		err := schedulerd.Main(ended, []string{"-listen", "127.0.0.1:0", "-pacing", flag}, io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, flag)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "-pacing")
	}
}
