package embedded_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
)

// A few records are replaced again and again, by large values. The history is removed before it fills
// the quota.
func TestHistoryDoesNotFillTheQuota(t *testing.T) {
	t.Parallel()
	const quota = 64 << 20
	s, err := embedded.Start(t.Context(), embedded.Config{
		Dir: t.TempDir(), Quota: quota, Adjust: func(c *embed.Config) { c.UnsafeNoFsync = true },
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	value := strings.Repeat("v", 64<<10)
	pause := time.NewTicker(3 * time.Millisecond)
	defer pause.Stop()
	for range 2 * quota / len(value) {
		_, err := s.Client().Put(t.Context(), "key", value)
		require.NoError(t, err)
		<-pause.C
	}
}

// Records that are too large for the quota are no history: the log says so.
func TestRecordsThatFillTheQuota(t *testing.T) {
	t.Parallel()
	const quota = 64 << 20
	var log buffer
	s, err := embedded.Start(t.Context(), embedded.Config{
		Dir: t.TempDir(), Quota: quota, Adjust: func(c *embed.Config) { c.UnsafeNoFsync = true },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	value := strings.Repeat("v", 1<<20)
	for i := range 40 {
		_, err := s.Client().Put(t.Context(), strconv.Itoa(i), value)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "the records fill more than half of the quota")
	}, 2*time.Minute, 100*time.Millisecond)
}

// The quota is full at the start. The server makes room, and writes succeed again.
func TestAFullQuotaIsEmptied(t *testing.T) {
	t.Parallel()
	c := embedded.Config{Dir: t.TempDir(), Quota: 1 << 30, Adjust: func(c *embed.Config) { c.UnsafeNoFsync = true }}
	s, err := embedded.Start(t.Context(), c)
	require.NoError(t, err)
	value := strings.Repeat("v", 1<<20)
	for range 100 {
		_, err = s.Client().Put(t.Context(), "key", value)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	c.Quota = 64 << 20
	s, err = embedded.Start(t.Context(), c)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.Eventually(t, func() bool {
		_, err = s.Client().Put(t.Context(), "key", value)
		return err == nil
	}, time.Minute, 100*time.Millisecond)
	status, err := s.Client().Status(t.Context(), s.Endpoints()[0])
	require.NoError(t, err)
	require.Less(t, status.DbSize, c.Quota)
	require.Empty(t, status.Errors)
}
