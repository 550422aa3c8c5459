package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
)

// All three replicas show the join. The two that are left show the eviction, once each, and it
// comes after the host has died.
func TestTheReplicasShowOneView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := clitest.Start(t, run)
		time.Sleep(28 * time.Second)
		synctest.Wait()
		output, _ := p.Output()
		require.Equal(t, 3, strings.Count(output, "roamer joins"), output)
		require.NotContains(t, output, "departs")
		time.Sleep(12 * time.Second)
		require.NoError(t, p.Interrupt())
		output, _ = p.Output()
		require.Equal(t, 3, strings.Count(output, "roamer joins"), output)
		require.Equal(t, 2, strings.Count(output, "roamer departs: silent for"), output)
	})
}
