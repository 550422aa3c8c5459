package schedulerd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/internal/effort"
)

// Thousands of hosts die, and their cleanups fail for ten minutes. The log has at most 100 lines. It
// tells of the evictions and of the first failure at once, and that it is over.
func TestMassDeathsDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text buffer
		log, flush, err := cli.Logger("text", &text)
		require.NoError(t, err)
		back := time.Now().Add(10 * time.Minute)
		hosts, err := schedulerd.NewRegistry(log, func() bool { return time.Now().Before(back) })
		require.NoError(t, err)
		for i := range effort.Times(3_000, 10_000) {
			_, err := hosts.Announce(hostmgr.Announcement[*commonv2.Host]{ID: fmt.Sprint("h", i), Zone: fmt.Sprint("idc-", i%3), Interval: time.Second})
			require.NoError(t, err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- hosts.Run(ctx) }()
		time.Sleep(2*time.Second + time.Millisecond)
		flush()
		require.Equal(t, 1, strings.Count(text.String(), `msg="evicted hosts"`), "at once")
		require.Equal(t, 1, strings.Count(text.String(), `msg="cleanup failed"`), "at once")

		time.Sleep(11 * time.Minute)
		stop()
		require.NoError(t, <-ended)
		flush()
		require.Contains(t, text.String(), `msg="evicted hosts" hosts=`)
		require.Contains(t, text.String(), `reason="silent for 2`)
		require.Equal(t, 1, strings.Count(text.String(), `msg="cleanups succeed again"`))
		require.LessOrEqual(t, strings.Count(text.String(), "\n"), 100, "%s", &text)
	})
}
