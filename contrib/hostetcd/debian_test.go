//go:build linux

package hostetcd_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

// needs returns the path of a program. If it is missing the test is skipped; in CI it fails.
func needs(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, which CI has: apt-get install %s", program, pkg)
	}
	if err != nil {
		t.Skipf("%s is missing; to run this test: apt-get install %s", program, pkg)
	}
	return path
}

// program starts the etcd of the system, and returns a client of it.
func program(t *testing.T) *clientv3.Client {
	t.Helper()
	listen, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	cmd := exec.Command(needs(t, "etcd", "etcd-server"), "--data-dir", t.TempDir(), "--bcrypt-cost", "4",
		"--listen-client-urls", listen, "--advertise-client-urls", listen,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("etcd: %s", &log)
		}
	})
	client := clientOf(t, clientv3.Config{Endpoints: []string{listen}})
	ctx, cancel := context.WithTimeout(t.Context(), longWait)
	defer cancel()
	_, err := client.Get(ctx, "ready", clientv3.WithSerializable())
	require.NoError(t, err)
	return client
}

// The user has no other permissions than the README names: to read and to write below the namespace.
func TestDebiansServerAsAUserWithFewPermissions(t *testing.T) {
	t.Parallel()
	admin := program(t)
	namespace := t.Name()
	secure(t, admin, namespace)
	user := clientOf(t, clientv3.Config{Endpoints: admin.Endpoints(), Username: "scheduler", Password: "secret", DialTimeout: longWait})
	storetest.TestStore(t, func(t *testing.T) share.Store { return storeIn(t, user, namespace) })
	_, err := user.Put(t.Context(), "elsewhere", "x")
	require.ErrorContains(t, err, "permission denied")
}

// secure adds a user that may use a namespace only, and requires passwords.
func secure(t *testing.T, admin *clientv3.Client, namespace string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longWait)
	defer cancel()
	prefix := namespace + "/"
	_, err := admin.RoleAdd(ctx, "hosts")
	require.NoError(t, err)
	_, err = admin.RoleGrantPermission(ctx, "hosts", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite))
	require.NoError(t, err)
	for user, role := range map[string]string{"root": "root", "scheduler": "hosts"} {
		_, err = admin.UserAdd(ctx, user, "secret")
		require.NoError(t, err)
		_, err = admin.UserGrantRole(ctx, user, role)
		require.NoError(t, err)
	}
	_, err = admin.AuthEnable(ctx)
	require.NoError(t, err)
}
