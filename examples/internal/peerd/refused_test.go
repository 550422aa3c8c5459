package peerd_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	schedulerv2 "d7y.io/api/v2/pkg/apis/scheduler/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hostlife/hostlife/examples/internal/wire"
)

// ends returns the hosts that have ended, by the log. On a busy machine there are other lines: an
// announce may fail.
func (p *peer) ends() (hosts []string) {
	for _, line := range regexp.MustCompile(`msg="the contacts stop.* host=(\S+)`).FindAllStringSubmatch(p.log.String(), -1) {
		hosts = append(hosts, line[1])
	}
	return hosts
}

// The clock of one host of many has gone back: its former process has a greater incarnation, and an
// interval of an hour. The host takes an incarnation above that. The others do not notice.
func TestAHostWhoseClockWentBackJoinsAtOnce(t *testing.T) {
	t.Parallel()
	addr, _ := schedule(t, "127.0.0.1:0", "-multiple", "8")
	c := dial(t, addr)
	former := metadata.AppendToOutgoingContext(t.Context(), wire.IncarnationKey, "9")
	_, err := c.AnnounceHost(former, &schedulerv2.AnnounceHostRequest{
		Host:     &commonv2.Host{Id: "h-00050", Hostname: "h", Ip: "127.0.0.1", Port: 4000, DownloadPort: 4001},
		Interval: durationpb.New(time.Hour),
	})
	require.NoError(t, err)
	p := be(t, addr, "-id", "h", "-hosts", "100", "-interval", "2s", "-peers", "1", "-incarnation", "5")
	eventually(t, "it joins", func() bool { return registered(c, "h-00050", 1) })
	eventually(t, "all are there", func() bool { return len(list(c)) == 100 && registered(c, "h-00100", 1) })
	require.NoError(t, p.stop())
	require.Empty(t, list(c))
}

// A host that the scheduler refuses as invalid ends. The others go on.
func TestARefusedHostEndsAlone(t *testing.T) {
	t.Parallel()
	d, addr := fly(t, func(context.Context, int) error { return nil })
	d.refuse("h-00003", status.Error(codes.InvalidArgument, "no such thing"))
	p := be(t, addr, "-id", "h", "-hosts", "10", "-interval", "400ms", "-peers", "0")
	eventually(t, "it ends", func() bool { return slices.Equal(p.ends(), []string{"h-00003"}) })
	before, _ := d.counts()
	times := d.times("h-00003")
	eventually(t, "the others go on", func() bool { n, _ := d.counts(); return n > before+30 })
	require.Equal(t, times, d.times("h-00003"))
	require.NoError(t, p.stop())
}

// A host that had joined, and whose id a newer process has taken over, ends alone.
func TestAReplacedHostEndsAlone(t *testing.T) {
	t.Parallel()
	addr, _ := schedule(t, "127.0.0.1:0", "-multiple", "8")
	c := dial(t, addr)
	older := be(t, addr, "-id", "h", "-hosts", "10", "-interval", "1s", "-incarnation", "1")
	eventually(t, "join", func() bool { return len(list(c)) == 10 })
	newer := be(t, addr, "-id", "h-00003", "-interval", "1s", "-incarnation", "2")
	eventually(t, "ends", func() bool { return slices.Equal(older.ends(), []string{"h-00003"}) })
	require.NoError(t, older.stop())
	require.Equal(t, []string{"h-00003"}, list(c))
	require.NoError(t, newer.stop())
}

// The process ends when no host is left.
func TestEndsWhenAllHostsAreRefused(t *testing.T) {
	t.Parallel()
	d, addr := fly(t, func(context.Context, int) error { return nil })
	for i := range 10 {
		d.refuse(fmt.Sprintf("h-%05d", i+1), status.Error(codes.InvalidArgument, "no such thing"))
	}
	p := be(t, addr, "-id", "h", "-hosts", "10", "-interval", "50ms")
	p.mustEnd(t)
	require.ErrorContains(t, p.stop(), "no host is left: h-00001 is refused")
	require.Equal(t, codes.InvalidArgument, status.Code(p.stop()))
	require.Len(t, p.ends(), 10)
}

// An outage is waited out, whatever the scheduler answers during it.
func TestAnOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	outage := []codes.Code{
		codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Internal,
		codes.Aborted, codes.Unknown, codes.AlreadyExists, codes.NotFound, codes.FailedPrecondition,
	}
	d, addr := fly(t, func(_ context.Context, n int) error {
		if n <= 3*len(outage) {
			return status.Error(outage[n%len(outage)], "not now")
		}
		return nil
	})
	p := be(t, addr, "-id", "h", "-interval", "40ms", "-peers", "1")
	eventually(t, "joins", func() bool { _, registers := d.counts(); return registers >= 1 })
	require.NoError(t, p.stop())
}

// A scheduler without room is asked once in an interval or so, not four times.
func TestAFullSchedulerIsAskedLessOften(t *testing.T) {
	t.Parallel()
	d, addr := fly(t, func(context.Context, int) error { return status.Error(codes.ResourceExhausted, "full") })
	const interval = 100 * time.Millisecond
	be(t, addr, "-id", "h", "-interval", interval.String())
	eventually(t, "asks", func() bool { n, _ := d.counts(); return n >= 25 })
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Greater(t, d.announces[24].Sub(d.announces[4]), 20*interval*2/3, "20 pauses of half to one and a half interval")
}
