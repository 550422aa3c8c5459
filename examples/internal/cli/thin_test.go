package cli_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
)

func TestALineStandsForTheEventsBeforeIt(t *testing.T) {
	var thin cli.Thinner
	now := time.Unix(1, 0)
	require.Equal(t, 1, thin.Due(now))
	require.Zero(t, thin.Due(now))
	require.Zero(t, thin.Due(now.Add(5*time.Second-1)))
	require.Equal(t, 3, thin.Due(now.Add(5*time.Second)))
	require.Zero(t, thin.Due(now.Add(6*time.Second)))
}
