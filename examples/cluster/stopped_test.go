//go:build unix

package main_test

import (
	"context"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// An ear is a scheduler that hears announces, and answers each when it is told to.
type ear struct {
	schedulerv2.UnimplementedSchedulerServer
	heard, answer chan struct{}
}

func (e *ear) AnnounceHost(context.Context, *schedulerv2.AnnounceHostRequest) (*emptypb.Empty, error) {
	e.heard <- struct{}{}
	<-e.answer
	return &emptypb.Empty{}, nil
}

func listen(t *testing.T) (e *ear, addr string) {
	t.Helper()
	e = &ear{heard: make(chan struct{}), answer: make(chan struct{})}
	s := grpc.NewServer()
	schedulerv2.RegisterSchedulerServer(s, e)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	return e, ln.Addr().String()
}

// hears waits for an announce. One that does not come in time is explained.
func (e *ear) hears(t *testing.T, within time.Duration, why string) {
	t.Helper()
	select {
	case <-e.heard:
	case <-time.After(within):
		t.Fatal(why)
	}
}

// A peer that is stopped while it announces itself, for more than an interval, and finds the
// answer when it goes on, has not announced itself just now: its next heartbeat is overdue. Several try
// it, for the answer is not always what is found first: it may be that there is no more time for it.
func TestWhoIsStoppedWhileHeAnnouncesHimselfIsOverdue(t *testing.T) {
	t.Parallel()
	const interval = 2 * time.Second
	for i := range 8 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			e, addr := listen(t)
			p := launch(t, binary, "peer", "-scheduler", addr, "-interval", interval.String(), "-peers", "0")
			e.hears(t, longWait, "it does not announce itself")
			p.signal(syscall.SIGSTOP)
			e.answer <- struct{}{}
			<-time.After(interval + interval/10)
			p.signal(syscall.SIGCONT)
			e.hears(t, interval/2, "it waits for its next turn")
			close(e.answer)
		})
	}
}
