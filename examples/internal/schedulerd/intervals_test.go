package schedulerd_test

import (
	"math"
	"strings"
	"testing"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/hostlife/hostlife/hostmgr"
)

const intervalChanged = "an interval out of range was changed"

// Dragonfly takes each of these announces. A daemon whose announce is refused does not start.
func TestEachIntervalIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		named *durationpb.Duration
		taken time.Duration
	}{
		"none":          {nil, hostmgr.DefaultInterval},
		"default":       {durationpb.New(300 * time.Second), 300 * time.Second},
		"shortest":      {durationpb.New(10 * time.Millisecond), 10 * time.Millisecond},
		"longest":       {durationpb.New(24 * time.Hour), 24 * time.Hour},
		"zero":          {durationpb.New(0), hostmgr.DefaultInterval},
		"negative":      {durationpb.New(-time.Hour), hostmgr.DefaultInterval},
		"too short":     {durationpb.New(10*time.Millisecond - 1), 10 * time.Millisecond},
		"too long":      {durationpb.New(24*time.Hour + 1), 24 * time.Hour},
		"never":         {durationpb.New(hostmgr.Never), 24 * time.Hour},
		"no duration":   {&durationpb.Duration{Seconds: math.MaxInt64, Nanos: -5}, 24 * time.Hour},
		"signs differ":  {&durationpb.Duration{Seconds: 2, Nanos: -1e9}, time.Second},
		"all negative":  {&durationpb.Duration{Seconds: math.MinInt64, Nanos: math.MinInt32}, hostmgr.DefaultInterval},
		"nanos too big": {&durationpb.Duration{Nanos: math.MaxInt32}, math.MaxInt32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			var header metadata.MD
			_, err := s.v2.AnnounceHost(t.Context(), &schedulerv2.AnnounceHostRequest{Host: host("h"), Interval: c.named}, grpc.Header(&header))
			require.NoError(t, err)
			require.Equal(t, c.taken, wire.ReadAck(header).Interval)
			changed := c.named != nil && c.named.AsDuration() != c.taken
			s.stop()
			require.NoError(t, <-s.done) // all lines are written
			s.done <- nil
			require.Equal(t, changed, strings.Contains(s.log.String(), intervalChanged), s.log)
		})
	}
}

// Thousands of hosts with such an interval cause one line.
func TestOneLineForAllIntervalsOutOfRange(t *testing.T) {
	s := start(t, "-log", "json")
	for range 100 {
		s.mustAnnounce(t.Context(), "h", 48*time.Hour)
	}
	s.stop()
	require.NoError(t, <-s.done)
	s.done <- nil
	require.Less(t, strings.Count(s.log.String(), intervalChanged), 10)
	require.Contains(t, s.log.String(), `"host":"h","named":172800000000000,"taken":86400000000000,"announces":1}`)
}
