package cluster_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cluster"
)

// A life is a string in the scheduler's log, and none stands in a line that is not about one.
func TestALifeInTheLog(t *testing.T) {
	var l cluster.Line
	require.NoError(t, json.Unmarshal([]byte(`{"msg":"joined","host":"h","life":"18446744073709551615"}`), &l))
	require.Equal(t, uint64(1<<64-1), l.Life)
	l = cluster.Line{}
	require.NoError(t, json.Unmarshal([]byte(`{"msg":"status","hosts":3}`), &l))
	require.Zero(t, l.Life)
}
