package schedulerd_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/wire"
)

func TestV2AnnounceListLeave(t *testing.T) {
	s := start(t)
	first := s.mustAnnounce(t.Context(), "h", time.Second)
	require.Equal(t, time.Second, first.Interval)
	require.NotZero(t, first.Incarnation)
	require.NotZero(t, first.Registration)
	require.Equal(t, first, s.mustAnnounce(t.Context(), "h", time.Second), "a refresh is no new registration")
	require.Equal(t, []string{"h"}, s.list())

	require.NoError(t, s.leave(t.Context(), "h"))
	require.Empty(t, s.list())
	requireCode(t, codes.NotFound, s.leave(t.Context(), "h"))
	require.NotEqual(t, first.Registration, s.mustAnnounce(t.Context(), "h", time.Second).Registration)
}

func TestListHostsByType(t *testing.T) {
	s := start(t)
	for id, kind := range map[string]uint32{"normal": 0, "another": 0, "seed": 1} {
		h := host(id)
		h.Type = kind
		_, err := s.v2.AnnounceHost(t.Context(), &schedulerv2.AnnounceHostRequest{Host: h})
		require.NoError(t, err)
	}
	_, err := s.v1.AnnounceHost(t.Context(), v1Host("super"))
	require.NoError(t, err)
	for _, c := range []struct {
		kind *uint32
		want []string
	}{
		{nil, []string{"normal", "another", "seed", "super"}},
		{proto.Uint32(0), []string{"normal", "another"}},
		{proto.Uint32(1), []string{"seed", "super"}},
		{proto.Uint32(2), nil},
	} {
		require.ElementsMatch(t, c.want, s.listType(c.kind), c.kind)
	}
}

func TestAnnounceWithoutAnInterval(t *testing.T) {
	s := start(t)
	var header metadata.MD
	_, err := s.v2.AnnounceHost(t.Context(), &schedulerv2.AnnounceHostRequest{Host: host("h")}, grpc.Header(&header))
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, wire.ReadAck(header).Interval)
}

func v1Host(id string) *schedulerv1.AnnounceHostRequest {
	return &schedulerv1.AnnounceHostRequest{
		Id: id, Type: "super", Hostname: "name", Ip: "192.0.2.1", Port: 4000, DownloadPort: 4001,
		Cpu: &schedulerv1.CPU{Times: &schedulerv1.CPUTimes{}}, Memory: &schedulerv1.Memory{}, Disk: &schedulerv1.Disk{},
		Network: &schedulerv1.Network{Idc: "idc-1"}, Build: &schedulerv1.Build{},
	}
}

func TestV1AndV2ShareOneRegistry(t *testing.T) {
	s := start(t)
	_, err := s.v1.AnnounceHost(t.Context(), v1Host("one"))
	require.NoError(t, err)
	s.mustAnnounce(t.Context(), "two", time.Second)
	require.ElementsMatch(t, []string{"one", "two"}, s.list())

	_, err = s.v1.LeaveHost(t.Context(), &schedulerv1.LeaveHostRequest{Id: "two"})
	require.NoError(t, err)
	require.NoError(t, s.leave(t.Context(), "one"))
	require.Empty(t, s.list())
	_, err = s.v1.LeaveHost(t.Context(), &schedulerv1.LeaveHostRequest{Id: "two"})
	requireCode(t, codes.NotFound, err)
}

func TestStaleLeave(t *testing.T) {
	s := start(t)
	s.mustAnnounce(as(t, "5"), "h", time.Second)
	second := s.mustAnnounce(as(t, "6"), "h", time.Second)
	require.EqualValues(t, 6, second.Incarnation)
	_, err := s.announce(as(t, "5"), "h", time.Second)
	requireCode(t, codes.FailedPrecondition, err)

	requireCode(t, codes.FailedPrecondition, s.leave(as(t, "5"), "h"))
	_, err = s.v1.LeaveHost(as(t, "5"), &schedulerv1.LeaveHostRequest{Id: "h"})
	requireCode(t, codes.FailedPrecondition, err)
	require.Equal(t, []string{"h"}, s.list())

	require.NoError(t, s.leave(t.Context(), "h"), "without an incarnation a stale leave wins")
	require.Empty(t, s.list())
}

func TestSilentHostIsEvicted(t *testing.T) {
	t.Parallel()
	s := start(t, "-v", "-log", "json")
	s.mustAnnounce(t.Context(), "h", 50*time.Millisecond)
	require.NoError(t, s.register("h", "task", "peer"))
	require.Eventually(t, func() bool { return len(s.list()) == 0 }, longWait, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := s.stat("h", "task", "peer")
		return codeOf(err) == codes.NotFound && strings.Contains(s.log.String(), `"kind":"evicted"`)
	}, longWait, 5*time.Millisecond)
}

func TestTieredPolicy(t *testing.T) {
	t.Parallel()
	s := start(t, "-policy", "tiered", "-jitter", "20ms", "-offline", "10m", "-v")
	s.mustAnnounce(t.Context(), "h", 20*time.Millisecond)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "msg=suspected host=h") }, longWait, time.Millisecond)
	require.Equal(t, []string{"h"}, s.list(), "a suspect keeps what it has")
	s.mustAnnounce(t.Context(), "h", 20*time.Millisecond)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "msg=recovered host=h") }, longWait, time.Millisecond)
}

func TestInvalidRequests(t *testing.T) {
	s := start(t)
	s.mustAnnounce(t.Context(), "h", time.Minute)
	bad := host("h")
	bad.Ip = "somewhere"
	announce := func(r *schedulerv2.AnnounceHostRequest) error {
		_, err := s.v2.AnnounceHost(t.Context(), r)
		return err
	}
	large := host("large")
	large.Hostname = strings.Repeat("x", 16<<10)
	badV1 := v1Host("x")
	badV1.Type = "huge"
	_, errV1 := s.v1.AnnounceHost(t.Context(), badV1)
	_, errNoPeer := s.stat("h", "", "")
	for name, err := range map[string]error{
		"no host":            announce(&schedulerv2.AnnounceHostRequest{}),
		"no ip":              announce(&schedulerv2.AnnounceHostRequest{Host: bad}),
		"metadata too large": announce(&schedulerv2.AnnounceHostRequest{Host: large}),
		"id too long":        announce(&schedulerv2.AnnounceHostRequest{Host: host(strings.Repeat("x", 2000))}),
		"leave without id":   s.leave(t.Context(), ""),
		"incarnation":        s.leave(as(t, "minus one"), "h"),
		"two incarnations":   s.leave(metadata.AppendToOutgoingContext(as(t, "1"), wire.IncarnationKey, "2"), "h"),
		"v1 type":            errV1,
		"stat without ids":   errNoPeer,
		"peer without task":  s.register("h", "", "p"),
		"peer id too long":   s.register("h", "t", strings.Repeat("x", 2000)),
	} {
		require.Equal(t, codes.InvalidArgument, codeOf(err), "%s: %v", name, err)
	}
	require.Equal(t, []string{"h"}, s.list(), "nothing changed")
}

// A host whose clock went back is told which incarnation refuses it. It takes a greater one.
func TestAStaleAnnounceLearnsWhichIncarnationRefusedIt(t *testing.T) {
	s := start(t)
	s.mustAnnounce(as(t, "9"), "h", time.Minute)
	ack, err := s.announce(as(t, "5"), "h", time.Minute)
	requireCode(t, codes.FailedPrecondition, err)
	require.Equal(t, wire.Ack{Incarnation: 9}, ack)
	require.NoError(t, s.leave(as(t, "9"), "h"))
	ack, err = s.announce(as(t, "9"), "h", time.Minute)
	requireCode(t, codes.FailedPrecondition, err)
	require.Equal(t, wire.Ack{Incarnation: 9}, ack, "it has left")
	require.EqualValues(t, 10, s.mustAnnounce(as(t, "10"), "h", time.Minute).Incarnation)
}

// Two machines use one id. With the same incarnation, the second one is refused. A client of
// Dragonfly names none, and is accepted: a refusal would keep a daemon from starting. The page counts
// both conflicts.
func TestTwoMachinesWithOneID(t *testing.T) {
	s := start(t, "-http", "127.0.0.1:0")
	url := s.page()
	s.mustAnnounce(as(t, "9"), "h", time.Minute)
	clone := &schedulerv2.AnnounceHostRequest{Host: host("h"), Interval: durationpb.New(time.Minute)}
	clone.Host.Ip = "192.0.2.77"
	_, err := s.v2.AnnounceHost(as(t, "9"), clone)
	requireCode(t, codes.AlreadyExists, err)
	_, err = s.v2.AnnounceHost(t.Context(), clone)
	require.NoError(t, err)
	_, body := ask(t, http.MethodGet, url+"api/stats")
	require.Contains(t, body, `"conflicts":2`)
	_, body = ask(t, http.MethodGet, url+"api/hosts")
	require.Contains(t, body, clone.Host.Ip)
	s.mustAnnounce(as(t, "9"), "h", time.Minute)
}
