package hostredis_test

import (
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

// Debian has Valkey from version 13 on, and in the backports of version 12. So the test is skipped
// in CI, too, if Valkey cannot be installed.
func TestStoreOnValkey(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("valkey-server"); err != nil {
		t.Skip("valkey-server is missing; to run it: apt-get install valkey-server")
	}
	r := startProgram(t, "valkey-server", `save ""`)
	require.Contains(t, r.do("info", "server"), "server_name:valkey")
	s := open(t, redis.NewClient(&redis.Options{Addr: r.addr}))
	storetest.TestStore(t, func(*testing.T) share.Store { return s })
	warnings, err := s.Check(t.Context())
	require.Empty(t, warnings)
	require.NoError(t, err)
}
