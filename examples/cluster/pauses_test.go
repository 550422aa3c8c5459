//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Pauses of the scheduler that are longer than what its hosts are granted, but shorter than half a
// second, evict no host: hosts of 100 ms, and ten pauses of 400 ms (restatedev/restate#5156). The
// hosts are heard more often than they say, so that what evicts them is not this process.
func TestShortPausesEvictNobody(t *testing.T) {
	const hosts, pauses = 50, 10
	c := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	conn, err := grpc.NewClient(c.says(`listening on (\S+)`), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	client := schedulerv2.NewSchedulerClient(conn)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range hosts {
		wg.Go(func() {
			for tick := time.NewTicker(30 * time.Millisecond); ; <-tick.C {
				_, err := client.AnnounceHost(ctx, &schedulerv2.AnnounceHostRequest{
					Host: &commonv2.Host{
						Id: "host-" + strconv.Itoa(i), Hostname: "h", Ip: "127.0.0.1", Port: 1024, DownloadPort: 1025,
					},
					Interval: durationpb.New(100 * time.Millisecond),
				})
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	page := c.says(`page on (\S+)`)
	eventually(t, "all are there", func() bool { return stats(t, page).Hosts == hosts })
	for range pauses {
		c.signal(syscall.SIGSTOP)
		<-time.After(400 * time.Millisecond)
		c.signal(syscall.SIGCONT)
		<-time.After(600 * time.Millisecond)
	}
	s := stats(t, page)
	require.Equal(t, hosts, s.Hosts)
	require.Zero(t, s.Departures.Evicted)
}

type figures struct {
	Hosts      int
	Departures struct{ Evicted int }
}

// stats asks the scheduler's page.
func stats(t *testing.T, page string) (s figures) {
	t.Helper()
	r, err := http.Get(page + "api/stats")
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	require.NoError(t, json.NewDecoder(r.Body).Decode(&s))
	return s
}
