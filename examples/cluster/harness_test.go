//go:build unix

package main_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

// longWait is how long a test waits for what must happen.
const longWait = 2 * time.Minute

// A child is a process that runs until the test ends, and what it has printed.
type child struct {
	t   *testing.T
	cmd *exec.Cmd

	mu  sync.Mutex // guards out
	out strings.Builder
}

// launch starts a program. A role of the command lives as long as its stdin.
func launch(t *testing.T, program string, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(program, args...)}
	c.cmd.WaitDelay = 5 * time.Second
	_, err := c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.cmd.Stderr = c.cmd.Stdout
	require.NoError(t, c.cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(out)
	}()
	t.Cleanup(func() {
		c.signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
		defer kill.Stop()
		<-read
		_ = c.cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", c.cmd, c.said())
		}
	})
	return c
}

func (c *child) read(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		c.mu.Lock()
		c.out.WriteString(lines.Text() + "\n")
		c.mu.Unlock()
	}
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

func (c *child) signal(s os.Signal) { _ = c.cmd.Process.Signal(s) }

// says waits until it has printed what a pattern matches, and returns the first group.
func (c *child) says(pattern string) string {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(c.t, "it prints "+pattern, func() bool {
		found = re.FindStringSubmatch(c.said())
		return found != nil
	})
	return found[1]
}

// pid is that of a process of the cluster.
func (c *child) pid(host string) int {
	c.t.Helper()
	pid, err := strconv.Atoi(c.says(`started +` + host + ` +pid (\d+)`))
	require.NoError(c.t, err)
	return pid
}

// some returns the first of several cases, or all of them if there is time: each needs the cores for
// seconds.
func some[T any](cases ...T) []T {
	if effort.Full() {
		return cases
	}
	return cases[:1]
}

// eventually waits for a condition, which it says in words. It asks on the test's own goroutine,
// unlike require.Eventually, so that the condition may fail the test.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(longWait); !cond(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", longWait, what)
		}
	}
}
