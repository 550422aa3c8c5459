package cluster_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cluster"
)

// A registration is a string in the scheduler's log. Lines about no registration have none.
func TestRegistrationInTheLog(t *testing.T) {
	var l cluster.Line
	require.NoError(t, json.Unmarshal([]byte(`{"msg":"joined","host":"h","registration":"18446744073709551615"}`), &l))
	require.Equal(t, "18446744073709551615", l.Registration)
	l = cluster.Line{}
	require.NoError(t, json.Unmarshal([]byte(`{"msg":"status","hosts":3}`), &l))
	require.Zero(t, l.Registration)
}
