package schedulerd_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

// anyV2 and anyV1 have the fields of a valid request of each RPC: the others are left out.
const (
	anyV2 = `{
		"hostId": "h", "taskId": "t", "peerId": "p", "url": "https://example.com/t", "scope": "all_peers",
		"host": {"id": "h", "hostname": "h", "ip": "192.0.2.1", "port": 4000, "downloadPort": 4001},
		"registerPeerRequest": {"download": {"url": "https://example.com/t"}},
		"registerCachePeerRequest": {"url": "https://example.com/t"},
		"registerPersistentPeerRequest": {"url": "https://example.com/t", "objectStorage": {"accessKeyId": "k", "accessKeySecret": "s"}},
		"registerPersistentCachePeerRequest": {"pieceLength": 4194304},
		"objectStorage": {"accessKeyId": "k", "accessKeySecret": "s"},
		"persistentReplicaCount": 1, "pieceLength": 4194304, "ttl": "300s"
	}`
	anyV1 = `{
		"id": "h", "type": "super", "hostname": "h", "ip": "192.0.2.1", "port": 4000, "downloadPort": 4001,
		"cpu": {"times": {}}, "memory": {}, "disk": {}, "network": {}, "build": {},
		"taskId": "t", "peerId": "p", "srcPid": "p", "srcIp": "192.0.2.1", "url": "https://example.com/t",
		"urlMeta": {}, "piecePacket": {"taskId": "t", "dstPid": "p", "dstAddr": "192.0.2.1:4001"}
	}`
)

// call calls an RPC with one request, and returns the error.
func (s *scheduler) call(m protoreflect.MethodDescriptor, fields string) error {
	s.t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	require.NoError(s.t, err)
	r := kind.New().Interface()
	require.NoError(s.t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal([]byte(fields), r))
	require.NoError(s.t, r.(interface{ Validate() error }).Validate(), "%s", m.FullName())
	return s.send(methodOf(m), m.IsStreamingClient(), r)
}

func (s *scheduler) send(method string, streams bool, r proto.Message) error {
	s.t.Helper()
	if !streams {
		return s.conn.Invoke(s.t.Context(), method, r, &emptypb.Empty{})
	}
	stream, err := s.conn.NewStream(s.t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	require.NoError(s.t, err)
	_ = stream.SendMsg(r)
	require.NoError(s.t, stream.CloseSend())
	for err == nil {
		err = stream.RecvMsg(&emptypb.Empty{})
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func methodOf(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// documented returns the RPCs of a version that the reference of the command lists.
func documented(t *testing.T, version string) []string {
	t.Helper()
	var help bytes.Buffer
	require.Error(t, schedulerd.Main(t.Context(), []string{"-help"}, &help, io.Discard))
	list := regexp.MustCompile(`(?s)of ` + version + `,(.*?)[;.]`).FindStringSubmatch(help.String())
	require.NotNil(t, list)
	return strings.Split(strings.Join(strings.Fields(list[1]), " "), ", ")
}

// Each RPC of Dragonfly's API is in the list of those that are implemented, or says that it is not
// implemented, and what to do.
func TestEachRPCIsImplementedOrSaysThatItIsNot(t *testing.T) {
	s := start(t)
	for version, api := range map[string]struct {
		file   protoreflect.FileDescriptor
		fields string
	}{
		"v1": {schedulerv1.File_pkg_apis_scheduler_v1_scheduler_proto, anyV1},
		"v2": {schedulerv2.File_pkg_apis_scheduler_v2_scheduler_proto, anyV2},
	} {
		methods := api.file.Services().ByName("Scheduler").Methods()
		var implemented []string
		for i := range methods.Len() {
			m := methods.Get(i)
			s.mustAnnounce(t.Context(), "h", time.Minute)
			switch err := s.call(m, api.fields); codeOf(err) {
			case codes.OK, codes.NotFound:
				implemented = append(implemented, string(m.Name()))
			default:
				requireCode(t, codes.Unimplemented, err)
				require.ErrorContains(t, err, methodOf(m)+" is not implemented: this scheduler tracks hosts")
				require.ErrorContains(t, err, "call a scheduler of Dragonfly")
			}
		}
		require.ElementsMatch(t, documented(t, version), implemented, version)
	}
}
