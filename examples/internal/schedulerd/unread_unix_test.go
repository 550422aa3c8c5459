//go:build unix

package schedulerd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

// A process is the command as a process of its own.
type process struct {
	*scheduler
	cmd  *exec.Cmd
	done chan error
}

// startProcess starts the command with an output for what it logs.
func startProcess(t *testing.T, stderr io.Writer, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{&scheduler{t: t}, cmd, make(chan error, 1)}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	go func() { p.done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if p.conn != nil {
			_ = p.conn.Close()
		}
	})
	require.NoError(t, err)
	p.connect(first)
	return p
}

// terminate sends SIGTERM, and returns how long it takes then to exit.
func (p *process) terminate() time.Duration {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	begun := time.Now()
	select {
	case <-p.done:
	case <-time.After(longWait):
		require.Fail(p.t, "it does not stop")
	}
	return time.Since(begun)
}

// fill has hosts come and go for which there are some hundred lines of each kind.
func (p *process) fill() {
	p.t.Helper()
	for i := range 500 {
		p.mustAnnounce(p.t.Context(), fmt.Sprint("host-", i), time.Minute)
		require.NoError(p.t, p.leave(p.t.Context(), fmt.Sprint("host-", i)))
	}
}

// stuff writes to a pipe until nothing more goes in.
func stuff(t *testing.T, w *os.File) {
	t.Helper()
	for n := 1 << 12; n > 0; n /= 2 {
		for err := error(nil); err == nil; _, err = w.Write(make([]byte, n)) {
			require.NoError(t, w.SetWriteDeadline(time.Now().Add(10*time.Millisecond)))
		}
	}
}

// unreadPipe makes a named pipe that is full, and has a reader, which does not read.
func unreadPipe(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))
	r, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	w, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	stuff(t, w)
	require.NoError(t, w.Close())
	return name
}

// A flight recorder's log, or a profile, that is not read keeps the scheduler from nothing, nor from
// stopping.
func TestAPipeThatIsNotRead(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-record", "-cpuprofile"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, io.Discard, flag, unreadPipe(t))
			p.fill()
			p.evicts("h")
			require.Less(t, p.terminate(), 6*time.Second)
		})
	}
}

// evicts has a host with peers die, and waits until they are freed.
func (p *process) evicts(id string) {
	p.t.Helper()
	p.mustAnnounce(p.t.Context(), id, 50*time.Millisecond)
	if err := p.register(id, "task", "peer"); err != nil {
		return // on a busy machine it is gone already
	}
	require.Eventually(p.t, func() bool {
		_, err := p.stat(id, "task", "peer")
		return codeOf(err) == codes.NotFound
	}, longWait, 10*time.Millisecond)
}

// What is written on stderr may not be read: hosts are evicted and freed all the same, and it stops.
func TestALogThatIsNotRead(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _, _ = r.Close(), w.Close() }()
	stuff(t, w)
	p := startProcess(t, w, "-v")
	p.fill()
	p.evicts("h")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGUSR1))
	p.mustAnnounce(t.Context(), "after", time.Minute)
	require.Less(t, p.terminate(), 6*time.Second)
}

// A pipe without a reader keeps the scheduler from nothing. A reader that comes later gets the record.
func TestAPipeThatHasNoReader(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-record", "-cpuprofile"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "pipe")
			require.NoError(t, syscall.Mkfifo(name, 0o600))
			p := startProcess(t, io.Discard, flag, name)
			p.evicts("h")
			if flag == "-record" {
				requireRecord(t, name, `id="h"`)
			}
			p.fill()
			require.Less(t, p.terminate(), 6*time.Second)
			require.Zero(t, p.cmd.ProcessState.ExitCode())
		})
	}
}

// requireRecord reads a pipe until a line of it has a text.
func requireRecord(t *testing.T, name, text string) {
	t.Helper()
	r, err := os.Open(name)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	require.Fail(t, "the pipe has ended")
}

// Where it listens is written on stdout, which may be a pipe that is full: it serves all the same,
// and stops.
func TestAnOutputThatIsNotRead(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _, _ = r.Close(), w.Close() }()
	stuff(t, w)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	p := runProcess(t, w, "-listen", addr)
	p.connect("listening on " + addr)
	require.Eventually(t, func() bool {
		_, err := p.announce(t.Context(), "h", time.Minute)
		return err == nil
	}, longWait, 10*time.Millisecond)
	require.Less(t, p.terminate(), 6*time.Second)
}

// A scheduler that says where it listens shows its status at each signal from then on.
func TestTheFirstSignalIsNotLost(t *testing.T) {
	t.Parallel()
	for range 10 {
		var log buffer
		p := startProcess(t, &log)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGUSR1))
		require.Eventually(t, func() bool { return strings.Contains(log.String(), "msg=status") }, longWait, time.Millisecond)
		p.terminate()
	}
}

// runProcess starts the command with an output; it is killed when the test ends.
func runProcess(t *testing.T, stdout io.Writer, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, args...)
	cmd.Env, cmd.Stdout = append(os.Environ(), asCommand+"=1"), stdout
	require.NoError(t, cmd.Start())
	p := &process{&scheduler{t: t}, cmd, make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if p.conn != nil {
			_ = p.conn.Close()
		}
	})
	return p
}
