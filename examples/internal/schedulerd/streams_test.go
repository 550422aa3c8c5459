package schedulerd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// watchAll opens streams of health on connections of 256 each, and returns how many are refused.
func (s *scheduler) watchAll(ctx context.Context, n int) (refused int) {
	s.t.Helper()
	const each = 256
	for ; n > 0; n -= each {
		client := grpc_health_v1.NewHealthClient(s.dial())
		for range min(n, each) {
			stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
			require.NoError(s.t, err)
			if _, err := stream.Recv(); err != nil {
				requireCode(s.t, codes.ResourceExhausted, err)
				refused++
			}
		}
	}
	return refused
}

// Streams that are idle by their nature are bounded, and keep no peers out.
func TestIdleStreamsKeepNoPeersOut(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refused := s.watchAll(ctx, 4200)
	require.NoError(t, s.register("h", "task", "peer"))
	require.Equal(t, 4200-256, refused)
	cancel()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), longWait)
		defer cancel()
		stream, err := grpc_health_v1.NewHealthClient(s.conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = stream.Recv()
		return status.Code(err) == codes.OK
	}, longWait, 10*time.Millisecond, "those that end make room")
}
