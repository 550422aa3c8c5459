package dragonfly_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The places that MIGRATING.md names are all places where Dragonfly's scheduler stores UpdatedAt of
// a host, in the version that go.mod requires.
func TestPlacesOfHeard(t *testing.T) {
	stores := regexp.MustCompile(`\b[hH]ost\.UpdatedAt\.Store\(`)
	scheduler := filepath.Join(sourceOfTheirs(t), "scheduler")
	var found []string
	for _, folder := range []string{"service", "resource/standard", "job", "scheduling"} {
		names, err := filepath.Glob(filepath.Join(scheduler, folder, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			for i, line := range strings.Split(string(text), "\n") {
				if stores.MatchString(line) && !strings.HasSuffix(name, "_test.go") {
					found = append(found, fmt.Sprintf("`%s` %d", filepath.Base(name), i+1))
				}
			}
		}
	}
	migrating, err := os.ReadFile("MIGRATING.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`\\w+\\.go` \\d+").FindAllString(string(migrating), -1)
	require.ElementsMatch(t, found, named)
	require.Len(t, named, 6)
}
