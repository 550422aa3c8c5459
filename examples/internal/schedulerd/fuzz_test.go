package schedulerd_test

import (
	"testing"
	"time"

	schedulerv1 "d7y.io/api/v2/pkg/apis/scheduler/v1"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Whatever bytes a client sends, as messages and as metadata: nothing panics, each
// error has a code that says what is wrong with it, each answer is valid, and the
// books balance. The same is said of three calls in a row, which meet what the
// former ones left.

func FuzzV2(f *testing.F) {
	announce := encode(f, &schedulerv2.AnnounceHostRequest{Host: host("h"), Interval: durationpb.New(time.Second)})
	other := encode(f, &schedulerv2.AnnounceHostRequest{Host: host("i")})
	leave := encode(f, &schedulerv2.DeleteHostRequest{HostId: "h"})
	stat := encode(f, &schedulerv2.StatPeerRequest{HostId: "h", TaskId: "t", PeerId: "p"})
	methods := schedulerv2.Scheduler_ServiceDesc.Methods
	at := index(methods)
	for i := range methods {
		f.Add(byte(i), stat, byte(i), leave, byte(i), announce, "", "user-agent", "")
	}
	f.Add(at["AnnounceHost"], announce, at["AnnounceHost"], other, at["ListHosts"], []byte{}, "", "", "")
	f.Add(at["AnnounceHost"], announce, at["AnnounceHost"], announce, at["DeleteHost"], leave, "1", "hostlife-interval", "1s")
	f.Add(at["AnnounceHost"], announce, at["DeleteHost"], leave, at["DeleteHost"], leave, "18446744073709551616", "x", "y")
	lost := host("h")
	lost.Ip = "nowhere"
	f.Add(at["AnnounceHost"], encode(f, &schedulerv2.AnnounceHostRequest{Host: lost}), at["AnnounceHost"], []byte{}, at["ListHosts"], []byte{}, "", "", "")
	f.Add(at["StatPeer"], stat, at["DeletePeer"], stat, at["AnnounceHost"], announce, "1\n2", ":authority", "\x00")
	f.Fuzz(func(t *testing.T, m1 byte, msg1 []byte, m2 byte, msg2 []byte, m3 byte, msg3 []byte, incarnations, key, value string) {
		c := newCallee(t)
		for i, call := range []struct {
			method byte
			msg    []byte
		}{{m1, msg1}, {m2, msg2}, {m3, msg3}} {
			if i > 0 {
				incarnations += "0" // a newer incarnation, if it is a number
			}
			ctx, _ := said(incarnations, key, value)
			c.unary(ctx, c.V2(), methods[int(call.method)%len(methods)], call.msg)
		}
		c.balanced()
	})
}

func FuzzV2Peers(f *testing.F) {
	announce := encode(f, &schedulerv2.AnnounceHostRequest{Host: host("h"), Interval: durationpb.New(time.Second)})
	register, finish := encode(f, registration("h", "t", "p")), encode(f, finished("h", "t", "p"))
	stat := encode(f, &schedulerv2.StatPeerRequest{HostId: "h", TaskId: "t", PeerId: "p"})
	methods := schedulerv2.Scheduler_ServiceDesc.Methods
	at := index(methods)
	f.Add(register, finish, register, at["StatPeer"], stat, "1", "2")
	f.Add(register, encode(f, registration("h", "t", "q")), finish, at["DeletePeer"], stat, "", "")
	lost := registration("h", "t", "p")
	lost.GetRegisterPeerRequest().Download.Url = "nowhere"
	f.Add(encode(f, lost), []byte{}, register, at["StatPeer"], stat, "", "")
	f.Add(finish, register, register, at["AnnounceHost"], announce, "1", "2")
	f.Add(register, finish, encode(f, registration("i", "t", "p")), at["AnnounceHost"], announce, "2", "1")
	f.Add(encode(f, cacheRegistration("h", "t", "p")), register, finish, at["DeleteCacheTask"], stat, "", "")
	f.Fuzz(func(t *testing.T, msg1, msg2, msg3 []byte, m byte, msg []byte, announcer, speaker string) {
		c := newCallee(t)
		ctx, header := said(announcer, "", "")
		c.unary(ctx, c.V2(), methods[at["AnnounceHost"]], announce)
		require.Equal(t, c.Stats().Hosts == 1, header.header.Len() > 0, "a host that joins gets an ack")
		ctx, _ = said(speaker, "", "")
		for _, d := range schedulerv2.Scheduler_ServiceDesc.Streams {
			c.peers(ctx, d, msg1, msg2, msg3)
		}
		c.unary(ctx, c.V2(), methods[int(m)%len(methods)], msg)
		c.balanced()
	})
}

func FuzzV1(f *testing.F) {
	announce := encode(f, v1Host("h"))
	leave := encode(f, &schedulerv1.LeaveHostRequest{Id: "h"})
	methods := schedulerv1.Scheduler_ServiceDesc.Methods
	at := index(methods)
	for i := range methods {
		f.Add(byte(i), leave, byte(i), announce, "")
	}
	f.Add(at["AnnounceHost"], announce, at["LeaveHost"], leave, "1")
	f.Add(at["AnnounceHost"], announce, at["AnnounceHost"], encode(f, v1Host("i")), "-1")
	f.Fuzz(func(t *testing.T, m1 byte, msg1 []byte, m2 byte, msg2 []byte, incarnations string) {
		c := newCallee(t)
		ctx, _ := said(incarnations, "", "")
		c.unary(ctx, c.V1(), methods[int(m1)%len(methods)], msg1)
		c.unary(ctx, c.V1(), methods[int(m2)%len(methods)], msg2)
		c.balanced()
	})
}

func encode(f *testing.F, m proto.Message) []byte {
	f.Helper()
	b, err := proto.Marshal(m)
	require.NoError(f, err)
	return b
}

func index(methods []grpc.MethodDesc) map[string]byte {
	at := map[string]byte{}
	for i, m := range methods {
		at[m.MethodName] = byte(i)
	}
	return at
}
