package hostredis_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A server is a process of redis-server or redis-sentinel with a folder of its own.
type server struct {
	t      testing.TB
	addr   string
	dir    string
	config string
	cmd    *exec.Cmd
}

// program returns the path of a program of Debian. If it is missing the test is skipped; in CI it
// fails.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		how := fmt.Sprintf("%s is missing; to run it: apt-get install %s", name, name)
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return path
}

// startServer starts a redis-server with settings as in its configuration file.
func startServer(t testing.TB, settings ...string) *server {
	return startProgram(t, "redis-server", append([]string{`save ""`}, settings...)...)
}

func startProgram(t testing.TB, name string, settings ...string) *server {
	t.Helper()
	path := program(t, name)
	s := &server{t: t, addr: freeAddr(t), dir: t.TempDir()}
	s.config = filepath.Join(s.dir, "redis.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\n", s.port(), s.dir) + strings.Join(settings, "\n") + "\n"
	require.NoError(t, os.WriteFile(s.config, []byte(text), 0o600))
	s.start(path)
	t.Cleanup(s.kill)
	return s
}

func (s *server) start(path string) {
	s.cmd = exec.Command(path, s.config, "--daemonize", "no")
	if strings.HasSuffix(path, "sentinel") {
		s.cmd = exec.Command(path, s.config)
	}
	dieWithParent(s.cmd)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	require.NoError(s.t, err)
	defer func() { _ = log.Close() }()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	require.NoError(s.t, s.cmd.Start())
	s.waitReady()
}

func (s *server) port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

func (s *server) waitReady() {
	c := s.client()
	defer func() { _ = c.Close() }()
	waitFor(s.t, s.addr+" answers", func() bool {
		err := c.Ping(s.t.Context()).Err()
		return err == nil || strings.Contains(err.Error(), "NOAUTH")
	})
}

// client returns a client for the setup of a test.
func (s *server) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1})
}

// do runs a command, which must succeed.
func (s *server) do(args ...any) any {
	s.t.Helper()
	v, err := s.try(args...)
	require.NoError(s.t, err, "%v", args)
	return v
}

// try runs a command. A server that changes its role closes connections.
func (s *server) try(args ...any) (any, error) {
	c := s.client()
	defer func() { _ = c.Close() }()
	return c.Do(s.t.Context(), args...).Result()
}

// says returns whether a command succeeds and its answer has a text.
func (s *server) says(text string, args ...any) bool {
	v, err := s.try(args...)
	return err == nil && strings.Contains(fmt.Sprint(v), text)
}

func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// restart kills the process, lets between change its files, and starts it.
func (s *server) restart(between func()) {
	s.kill()
	between()
	s.start(s.cmd.Path)
}

func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		addr := l.Addr().(*net.TCPAddr)
		if addr.Port < 50000 { // the bus of Redis Cluster listens at the port + 10000
			return "127.0.0.1:" + strconv.Itoa(addr.Port)
		}
	}
}

// waitFor waits until ok returns true, and fails the test after 20 s.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "not after 20 s: %s", what)
	}
}
