package hostlife_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The first program of the README, compiled and run: one agent leaves, the other falls silent.
func TestTheFirstProgramOfTheReadme(t *testing.T) {
	url, log := startFirstProgram(t)
	require.Eventually(t, func() bool { return request(http.MethodGet, url) == http.StatusOK }, time.Minute, 10*time.Millisecond)
	require.Equal(t, http.StatusBadRequest, request(http.MethodPost, url+"/agents/"+strings.Repeat("a", 2000)))

	for logged := ""; !strings.Contains(logged, "a left"); logged = line(t, log) { // a slow machine evicts it first
		require.Equal(t, http.StatusOK, request(http.MethodPost, url+"/agents/a"))
		require.Equal(t, http.StatusOK, request(http.MethodDelete, url+"/agents/a"))
	}
	require.Equal(t, http.StatusOK, request(http.MethodPost, url+"/agents/b"))
	require.Regexp(t, `b evicted: silent for 3.*s, timeout 3s at an interval of 1s; free 127\.0\.0\.1:\d+$`, line(t, log))
}

// startFirstProgram compiles and starts the program, with a port that is free in place of 8080. It
// returns its URL and its log.
func startFirstProgram(t *testing.T) (url string, log *bufio.Scanner) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(text)
	require.NotNil(t, block)
	address := freeAddress(t)
	program := strings.Replace(string(block[1]), "localhost:8080", address, 1)
	require.Contains(t, program, address)
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
	binary := filepath.Join(filepath.Dir(file), "agents.exe")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, file).CombinedOutput()
	require.NoError(t, err, "%s", output)

	command := exec.CommandContext(t.Context(), binary)
	read, write := io.Pipe()
	command.Stdout, command.Stderr = write, write
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = read.Close()
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return "http://" + address, bufio.NewScanner(read)
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// request returns the status of an answer, or 0 if there is none.
func request(method, url string) int {
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func line(t *testing.T, log *bufio.Scanner) string {
	require.True(t, log.Scan(), "the log ended: %v", log.Err())
	return log.Text()
}
