package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// The program serves until its standard input ends, and leaves nothing behind.
func TestItServesUntilStdinEnds(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	stdin, parent := io.Pipe()
	stdout, printed := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan error)
	go func() { ended <- run(t.Context(), []string{"-with-stdin"}, stdin, printed, &stderr) }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on 127.0.0.1:")
	require.True(t, ok, line)

	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:" + address}})
	require.NoError(t, err)
	_, err = client.Put(t.Context(), "key", "value")
	require.NoError(t, err)
	require.NoError(t, client.Close())

	require.NoError(t, parent.Close())
	require.NoError(t, <-ended)
	require.Empty(t, stderr.String())
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestItsDataStayInAFolder(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, run(ctx, []string{"-dir", dir}, nil, endAtFirstLine{cancel}, io.Discard))
	}
	require.DirExists(t, dir+"/member")
}

// An endAtFirstLine ends the program when it is ready.
type endAtFirstLine struct{ cancel func() }

func (w endAtFirstLine) Write(p []byte) (int, error) {
	w.cancel()
	return len(p), nil
}

func TestHelpHelps(t *testing.T) {
	var stdout bytes.Buffer
	err := run(t.Context(), []string{"-help"}, nil, &stdout, io.Discard)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Zero(t, code(err))
	for _, text := range []string{"Usage: hostetcd", "-cluster", "-with-stdin", "127.0.0.1:0"} {
		require.Contains(t, stdout.String(), text)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for args, text := range map[string]string{
		"-x":                           "-x",
		"argument":                     `"argument"`,
		"-cluster a":                   `"a" is not NAME=HOST:PORT`,
		"-cluster a=1.2.3.4:5,a=b:1":   "has a name again",
		"-keep many":                   "many",
		"-listen 10.0.0.1 -name other": `"10.0.0.1" is not HOST:PORT`,
		"-cluster a=127.0.0.1:1":       `no server "hostlife"`,
	} {
		err := run(t.Context(), strings.Fields(args), nil, io.Discard, io.Discard)
		require.ErrorContains(t, err, text)
		require.Equal(t, 2, code(err), args)
	}
	require.Equal(t, 1, code(io.EOF))
	require.Zero(t, code(nil))
}
