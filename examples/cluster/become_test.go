//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const firstLine = "compiling the scheduler, the peers and the scenarios: a minute or two the first time, seconds later\n"

// launcher builds what go run ./examples/cluster runs. It returns a command with a cache folder of
// its own, and with another PATH if that is not empty.
func launcher(t *testing.T, path string, args ...string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), "cluster")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "HOME="+t.TempDir())
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // which would be in these folders
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		cmd.Env = append(cmd.Env, name+"="+strings.TrimSpace(string(value)))
	}
	if path != "" {
		cmd.Env = append(cmd.Env, "PATH="+path)
	}
	return cmd
}

// compiler returns a PATH on which go is a script.
func compiler(t *testing.T, script string) (path string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o700))
	return dir + ":/usr/bin:/bin"
}

// It says that it compiles before it does, and becomes what it has compiled: the arguments and the
// exit code are the same.
func TestItSaysThatItCompiles(t *testing.T) {
	cmd := launcher(t, compiler(t, `
		while [ "$1" != -o ]; do shift; done
		echo it compiles
		printf '#!/bin/sh\necho "it plays $*"\nexit 130\n' >"$2"
		chmod +x "$2"
	`), "-json", "-lag", "1s")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, firstLine+"it compiles\nit plays -json -lag 1s\n", string(out))
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
}

func TestItDoesNotCompile(t *testing.T) {
	cmd := launcher(t, compiler(t, "echo no space left; exit 1"))
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, firstLine+"no space left\ncluster: go build of internal/cluster/command/cluster: exit status 1\n", string(out))
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
}

// With the real compiler. The lines about compiling are not on stdout.
func TestItBecomesTheCommand(t *testing.T) {
	out, err := launcher(t, "", "-help").Output()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(out), "cluster runs a scheduler and its peers"), "%s", out)
}
