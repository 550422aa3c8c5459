package schedulerd_test

import (
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

func (s *scheduler) statTask(id string) (*commonv2.Task, error) {
	return s.v2.StatTask(s.t.Context(), &schedulerv2.StatTaskRequest{HostId: "any", TaskId: id})
}

func (s *scheduler) deleteTask(host, task string) error {
	_, err := s.v2.DeleteTask(s.t.Context(), &schedulerv2.DeleteTaskRequest{HostId: host, TaskId: task})
	return err
}

// A task is there as long as one of its peers is.
func TestATaskGoesWithItsLastPeer(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "one", time.Minute)
	s.mustAnnounce(t.Context(), "two", time.Minute)
	requireCode(t, codes.NotFound, s.deleteTask("three", "task"))
	require.NoError(t, s.deleteTask("one", "task"), "there is nothing to free")
	_, err := s.statTask("task")
	requireCode(t, codes.NotFound, err)

	for _, p := range []string{"a", "b"} {
		require.NoError(t, s.register("one", "task", "one-"+p))
		require.NoError(t, s.register("two", "task", "two-"+p))
	}
	require.NoError(t, s.register("one", "task", "one-a"), "again")
	require.NoError(t, s.register("one", "other", "p"))
	task, err := s.statTask("task")
	require.NoError(t, err)
	require.NoError(t, task.Validate())
	require.EqualValues(t, 4, task.GetPeerCount())
	require.Equal(t, "Running", task.GetState())
	require.Equal(t, commonv2.TaskType_STANDARD, task.GetType())

	_, err = s.announcePeer(t.Context(), finished("one", "task", "one-a"))
	require.Error(t, err, "no answer")
	p, err := s.stat("two", "task", "two-a")
	require.NoError(t, err)
	require.Equal(t, "ReceivedNormal", p.GetState())
	require.Equal(t, "Succeeded", p.GetTask().GetState(), "as the other peer has reported")

	require.NoError(t, s.deleteTask("one", "task"))
	_, err = s.stat("one", "task", "one-b")
	requireCode(t, codes.NotFound, err)
	_, err = s.stat("one", "other", "p")
	require.NoError(t, err)
	task, err = s.statTask("task")
	require.NoError(t, err)
	require.EqualValues(t, 2, task.GetPeerCount())

	require.NoError(t, s.leave(t.Context(), "two"))
	_, err = s.statTask("task")
	requireCode(t, codes.NotFound, err)
}

// A peer that has all of its task already is not sent to the source.
func TestMetadataOnly(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	r := registration("h", "task", "peer")
	r.GetRegisterPeerRequest().Download.MetadataOnly = true
	resp, err := s.announcePeer(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, resp.Validate())
	require.NotNil(t, resp.GetMetadataOnlyResponse())
	p, err := s.stat("h", "task", "peer")
	require.NoError(t, err)
	require.Equal(t, "ReceivedNormal", p.GetState())
	require.False(t, p.GetNeedBackToSource())
}
