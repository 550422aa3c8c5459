package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
	"github.com/hostlife/hostlife/hostmgr"
)

// A buffer may be written and read at the same time.
type buffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// One server starts, stops and starts again, and logs nothing of that. Its data stay.
func TestAServerKeepsItsData(t *testing.T) {
	var log buffer
	c := embedded.Config{Dir: filepath.Join(t.TempDir(), "new", "folder"), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))}
	s, err := embedded.Start(t.Context(), c)
	require.NoError(t, err)
	require.True(t, s.Addr().(*net.TCPAddr).IP.IsLoopback())
	require.Equal(t, []string{"http://" + s.Addr().String()}, s.Endpoints())
	_, err = s.Client().Put(t.Context(), "key", "value")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "again")
	<-s.Done()

	s, err = embedded.Start(t.Context(), c)
	require.NoError(t, err)
	got, err := s.Client().Get(t.Context(), "key")
	require.NoError(t, err)
	require.Len(t, got.Kvs, 1)
	require.NoError(t, s.Close())
	require.Empty(t, log.String())
	if info, err := os.Stat(c.Dir); runtime.GOOS != "windows" {
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: filepath.Join(dir, "used")})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	free := filepath.Join(dir, "free")
	for text, c := range map[string]embedded.Config{
		"another server uses the folder": {Dir: filepath.Join(dir, "used")},
		"address already in use":         {Dir: free, Listen: s.Addr().String()},
		"expected IP":                    {Dir: free, Listen: "localhost.invalid:0"},
	} {
		_, err := embedded.Start(t.Context(), c)
		require.ErrorContains(t, err, text)
	}
	require.NoError(t, os.RemoveAll(free))
	cluster := map[string]string{"a": "127.0.0.1:1", "b": "127.0.0.1:2"}
	for text, c := range map[string]embedded.Config{
		"no Dir":                    {},
		`Name "a,b"`:                {Dir: free, Name: "a,b"},
		`no server "c"`:             {Dir: free, Name: "c", Cluster: cluster},
		`no server "hostlife"`:      {Dir: free, Cluster: cluster},
		`"10.0.0.1" is not`:         {Dir: free, Listen: "10.0.0.1"},
		`":2379" is not`:            {Dir: free, PeerListen: ":2379"},
		"Cluster: b: ":              {Dir: free, Name: "a", Cluster: map[string]string{"a": "127.0.0.1:1", "b": ""}},
		`the port of "b"`:           {Dir: free, Name: "a", Cluster: map[string]string{"a": "127.0.0.1:1", "b": "127.0.0.1:0"}},
		"Keep -1":                   {Dir: free, Keep: -1},
		"Quota 1 is below 67108864": {Dir: free, Quota: 1},
	} {
		_, err := embedded.Start(t.Context(), c)
		require.ErrorIs(t, err, hostmgr.ErrInvalid)
		require.ErrorContains(t, err, text)
	}
	require.NoDirExists(t, free)
}

// One of two servers is not ready without the other one.
func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("a cause of the caller"))
	defer cancel()
	dir := t.TempDir()
	c := embedded.Config{Dir: dir, Name: "a", Cluster: map[string]string{"a": "127.0.0.1:" + freePort(t), "b": "127.0.0.1:" + freePort(t)}}
	_, err := embedded.Start(ctx, c)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, `the server "a" is not ready`)
	_, err = embedded.Start(ctx, c)
	require.ErrorIs(t, err, context.DeadlineExceeded, "the folder is free again")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func TestAdjustIsTheLastWord(t *testing.T) {
	adjusted := embed.Config{}
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Keep: 7, Quota: 1 << 30, Adjust: func(c *embed.Config) {
		adjusted = *c //nolint:govet // only read
		c.MaxTxnOps = 256
	}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, "revision", adjusted.AutoCompactionMode)
	require.Equal(t, "7", adjusted.AutoCompactionRetention)
	require.Equal(t, int64(1<<30), adjusted.QuotaBackendBytes)
}
