package schedulerd_test

import (
	"io"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

func cacheRegistration(host, task, id string) *schedulerv2.AnnounceCachePeerRequest {
	return &schedulerv2.AnnounceCachePeerRequest{
		HostId: host, TaskId: task, PeerId: id,
		Request: &schedulerv2.AnnounceCachePeerRequest_RegisterCachePeerRequest{
			RegisterCachePeerRequest: &schedulerv2.RegisterCachePeerRequest{
				Url: "https://example.com/" + task, Type: commonv2.TaskType_CACHE,
			},
		},
	}
}

func (s *scheduler) statCache(host, task, id string) (*commonv2.CachePeer, error) {
	return s.v2.StatCachePeer(s.t.Context(), &schedulerv2.StatCachePeerRequest{HostId: host, TaskId: task, PeerId: id})
}

func TestCachePeersLiveAsLongAsTheirHost(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	stream, err := s.v2.AnnounceCachePeer(t.Context())
	require.NoError(t, err)
	r := cacheRegistration("h", "task", "peer")
	require.NoError(t, stream.Send(r))
	resp, err := stream.Recv()
	require.NoError(t, err)
	require.NotNil(t, resp.GetNeedBackToSourceResponse())
	r.Request = &schedulerv2.AnnounceCachePeerRequest_RescheduleCachePeerRequest{RescheduleCachePeerRequest: &schedulerv2.RescheduleCachePeerRequest{}}
	require.NoError(t, stream.Send(r))
	resp, err = stream.Recv()
	require.NoError(t, err)
	require.NotNil(t, resp.GetNeedBackToSourceResponse())
	r.Request = &schedulerv2.AnnounceCachePeerRequest_DownloadCachePeerFinishedRequest{DownloadCachePeerFinishedRequest: &schedulerv2.DownloadCachePeerFinishedRequest{}}
	require.NoError(t, stream.Send(r))
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)

	p, err := s.statCache("h", "task", "peer")
	require.NoError(t, err)
	require.NoError(t, p.Validate())
	require.Equal(t, "Succeeded", p.GetState())
	require.Equal(t, commonv2.TaskType_CACHE, p.GetTask().GetType())
	require.Equal(t, "name-of-h", p.GetHost().GetHostname())
	task, err := s.v2.StatCacheTask(t.Context(), &schedulerv2.StatCacheTaskRequest{HostId: "h", TaskId: "task"})
	require.NoError(t, err)
	require.NoError(t, task.Validate())
	require.EqualValues(t, 1, task.GetPeerCount())

	require.NoError(t, s.leave(t.Context(), "h"))
	_, err = s.statCache("h", "task", "peer")
	requireCode(t, codes.NotFound, err)
	_, err = s.v2.StatCacheTask(t.Context(), &schedulerv2.StatCacheTaskRequest{HostId: "h", TaskId: "task"})
	requireCode(t, codes.NotFound, err)
}

// Clients of Dragonfly v2.5.1 register peers of cache tasks on the stream of other peers.
func TestCacheTasksOnTheStreamOfPeers(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	r := registration("h", "task", "peer")
	r.GetRegisterPeerRequest().Download.Type = commonv2.TaskType_CACHE
	_, err := s.announcePeer(t.Context(), r)
	require.NoError(t, err)
	p, err := s.stat("h", "task", "peer")
	require.NoError(t, err)
	require.NoError(t, p.Validate())
	require.Equal(t, commonv2.TaskType_CACHE, p.GetTask().GetType())
	_, err = s.statCache("h", "task", "peer")
	require.NoError(t, err)
}

func TestCachePeersAreDeleted(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	stream, err := s.v2.AnnounceCachePeer(t.Context())
	require.NoError(t, err)
	for _, id := range []string{"a", "b", "c"} {
		require.NoError(t, stream.Send(cacheRegistration("h", "task", id)))
		_, err = stream.Recv()
		require.NoError(t, err)
	}
	_, err = s.v2.DeleteCachePeer(t.Context(), &schedulerv2.DeleteCachePeerRequest{HostId: "h", TaskId: "task", PeerId: "a"})
	require.NoError(t, err)
	_, err = s.statCache("h", "task", "a")
	requireCode(t, codes.NotFound, err)
	_, err = s.statCache("h", "task", "b")
	require.NoError(t, err)
	_, err = s.v2.DeleteCacheTask(t.Context(), &schedulerv2.DeleteCacheTaskRequest{HostId: "h", TaskId: "task"})
	require.NoError(t, err)
	_, err = s.statCache("h", "task", "b")
	requireCode(t, codes.NotFound, err)
}

// Streams of cache peers have the limit of streams of peers, and not the one of idle streams.
func TestManyStreamsOfCachePeers(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	for range 2 {
		client := schedulerv2.NewSchedulerClient(s.dial())
		for range 150 {
			stream, err := client.AnnounceCachePeer(t.Context())
			require.NoError(t, err)
			require.NoError(t, stream.Send(cacheRegistration("h", "task", "peer")))
			_, err = stream.Recv()
			require.NoError(t, err)
		}
	}
}
